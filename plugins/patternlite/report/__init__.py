"""What the demo and the commands show: results as data, tables, plots and one HTML page."""
