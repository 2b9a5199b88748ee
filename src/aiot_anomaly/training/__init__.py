"""Training: everything that needs TensorFlow, scikit-learn, pandas or MLflow. Nothing outside imports it."""

import os

# the processor's features and the absence of a GPU are no news; must be set before TensorFlow is imported
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# fetching a run's artifacts from the local store takes no time that a bar would show
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
