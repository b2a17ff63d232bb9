"""The rules of money between customer, business and cleaner: no provider, no database, no clock."""
