"""Trained models without MXNet: numpy alone reads them, scores with them and finds next words."""
