"""What files hold, as their headers say it."""

MODEL = "model"
FAST_MODEL = "fast model"
CHECKPOINT = "checkpoint of a meta phase"
