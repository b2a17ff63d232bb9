"""Who is who: businesses, markets, people, and the credentials, sessions and links that prove them."""
