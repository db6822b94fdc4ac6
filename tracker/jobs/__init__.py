"""What runs on a clock: settling, deliveries, alerts, retention."""
