"""What starts the graph: jobs, the schedule, the sensors, and which months are due."""
