"""What runs inside MLflow's own processes: the guard of its server, and the header by which the controller is known."""
