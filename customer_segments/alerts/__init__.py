"""What somebody has to hear of: run failures, failed checks, overdue months, failing sensors."""
