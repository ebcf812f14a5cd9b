"""Reports: one HTML page of what runs leave behind."""
