"""What starts the graph: jobs now; schedules and sensors belong here too."""
