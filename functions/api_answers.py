"""What the function reads of the API's answers; what a later release of the API adds is left aside."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from aiot_anomaly.calibration import CalibrationDocument
from aiot_anomaly.messages import Prediction
from aiot_anomaly.profile import Profile


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Threshold(_Answer):
    """What the function needs to know of the threshold."""

    most_alarms_a_day: int | None = None


class Model(_Answer):
    """The answer to `GET /v1/models/{profile}`."""

    version: str
    profile: Profile
    threshold: Threshold = Threshold()

    def told(self) -> Profile:
        """The profile, with the budget of alarms that came with the threshold, if one did."""
        most = self.threshold.most_alarms_a_day
        if most is None:
            return self.profile
        incidents = self.profile.incidents.model_copy(update={"most_per_day": most})
        return self.profile.model_copy(update={"incidents": incidents})


class Calibrated(_Answer):
    """The answer to `:calibrate`."""

    calibration: CalibrationDocument


class Predicted(_Answer):
    """The answer to `:predict`."""

    version: str
    predictions: list[Prediction]
