"""What is measured: functions behind the same push subscription, each started by functions-framework."""
