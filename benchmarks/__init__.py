"""What the parts reach, measured beside what people would use instead. Nothing else imports it."""
