"""The console command ``customer-segments``: arguments, help, what is started and printed."""
