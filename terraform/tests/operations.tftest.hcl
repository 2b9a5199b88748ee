# Devices that stop sending are noticed, and operators can help devices and messages, and do nothing else.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "the_function_is_asked_to_look_after_silent_devices" {
  assert {
    condition     = google_cloud_scheduler_job.sweep.schedule == "*/5 * * * *"
    error_message = "The sweep does not run every five minutes."
  }
  assert {
    condition = (
      google_cloud_scheduler_job.sweep.http_target[0].http_method == "POST" &&
      google_cloud_scheduler_job.sweep.http_target[0].uri == "https://function.example/sweep"
    )
    error_message = "The sweep calls something else than functions/main.py answers."
  }
  assert {
    condition = (
      google_cloud_scheduler_job.sweep.http_target[0].oidc_token[0].service_account_email == "sweeper@example" &&
      google_cloud_scheduler_job.sweep.http_target[0].oidc_token[0].audience == "https://function.example"
    )
    error_message = "The sweep does not call the function as its own account, with a token for the function."
  }
  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.sweeper.name == google_cloudfunctions2_function.this.name &&
      google_cloud_run_v2_service_iam_member.sweeper.role == "roles/run.invoker" &&
      google_cloud_run_v2_service_iam_member.sweeper.member == "serviceAccount:sweeper@example"
    )
    error_message = "The sweeper may not call the function, or somebody else may."
  }
  assert {
    condition     = google_cloud_scheduler_job.sweep.attempt_deadline == "60s"
    error_message = "The sweep is given up before the function is."
  }
  assert {
    condition     = google_cloud_scheduler_job.sweep.retry_config[0].retry_count == 0
    error_message = "A sweep that failed is repeated at once, though the next one comes by itself."
  }
  assert {
    condition = (
      length(google_project_iam_member.operators_database) == 0 &&
      length(google_pubsub_subscription_iam_member.operators) == 0 &&
      length(google_pubsub_topic_iam_member.operators) == 0
    )
    error_message = "Somebody may change devices though nobody was named."
  }
}

run "an_operator_may_change_devices_and_publish_messages_again" {
  command = plan

  variables {
    operators     = ["group:operators@example"]
    sweep_minutes = 2
  }

  assert {
    condition     = google_cloud_scheduler_job.sweep.schedule == "*/2 * * * *"
    error_message = "The sweep does not run as often as was asked for."
  }
  assert {
    condition = [
      for m in google_project_iam_member.operators_database : "${m.role} ${m.member} ${m.condition[0].expression}"
    ] == ["roles/datastore.user group:operators@example resource.name == \"projects/aiot-test/databases/aiot\""]
    error_message = "Operators may not change devices, or may use other databases."
  }
  assert {
    condition = toset([
      for m in google_pubsub_subscription_iam_member.operators : "${m.subscription} ${m.role} ${m.member}"
      ]) == toset([
      "readings-dead-pull roles/pubsub.subscriber group:operators@example",
      "readings-parked-pull roles/pubsub.subscriber group:operators@example",
    ])
    error_message = "Operators may not take messages out to publish them again, or may take others."
  }
  assert {
    condition = [
      for m in google_pubsub_topic_iam_member.operators : "${m.topic} ${m.role} ${m.member}"
    ] == ["readings roles/pubsub.publisher group:operators@example"]
    error_message = "Operators may not publish readings again, or may publish elsewhere."
  }
}
