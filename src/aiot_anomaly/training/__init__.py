"""Training: everything that needs TensorFlow, scikit-learn, pandas or MLflow. Nothing outside imports it."""
