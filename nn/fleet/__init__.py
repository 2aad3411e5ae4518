"""Many replicas at once: `fit_fleet`, its members and its record."""
