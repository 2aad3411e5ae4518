"""What people see: means and verdicts, tables, words, figures."""
