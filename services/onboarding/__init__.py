"""What comes before the first job: profile, payout account, documents, skills, and the gate behind them."""
