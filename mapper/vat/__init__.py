"""What VAT law and the member states' number formats say; pure functions on values."""
