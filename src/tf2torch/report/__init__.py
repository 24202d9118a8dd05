"""The report as a page: report.html of one conversion, and the index of all of them."""
