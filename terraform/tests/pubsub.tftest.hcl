# Nothing published is lost on its way: it is pushed to the function, parked, or a dead letter that is kept.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "readings_reach_the_function_or_are_kept" {
  variables {
    readings_publishers = ["serviceAccount:gateway@example"]
  }

  assert {
    condition     = google_pubsub_subscription.push.push_config[0].push_endpoint == google_cloudfunctions2_function.this.service_config[0].uri
    error_message = "The push endpoint is not the function's address."
  }
  assert {
    condition     = google_pubsub_subscription.push.push_config[0].push_endpoint == "https://function.example"
    error_message = "The push endpoint is not what Google answered for the function."
  }
  assert {
    condition     = google_pubsub_subscription.push.topic == google_pubsub_topic.this["readings"].id
    error_message = "The push subscription is not one of `readings`."
  }
  assert {
    condition     = google_pubsub_subscription.push.push_config[0].oidc_token[0].service_account_email == "pusher@example"
    error_message = "The push requests are not signed as the pusher."
  }
  assert {
    condition     = google_pubsub_subscription.push.push_config[0].oidc_token[0].audience == "https://function.example"
    error_message = "The push requests' token is not for the function."
  }
  assert {
    condition = (
      google_service_account_iam_member.pubsub_tokens["pusher"].service_account_id == "sa/pusher" &&
      google_service_account_iam_member.pubsub_tokens["pusher"].role == "roles/iam.serviceAccountTokenCreator" &&
      google_service_account_iam_member.pubsub_tokens["pusher"].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    error_message = "Pub/Sub's own account may not sign as the pusher."
  }
  assert {
    condition     = google_pubsub_subscription.push.enable_message_ordering
    error_message = "The push subscription does not keep the order of a device's messages."
  }
  assert {
    condition     = google_pubsub_subscription.push.ack_deadline_seconds == 60
    error_message = "The acknowledgement deadline is not the 60 s that the function's timeouts are made for."
  }
  assert {
    condition = (
      google_pubsub_subscription.push.retry_policy[0].minimum_backoff == "1s" &&
      google_pubsub_subscription.push.retry_policy[0].maximum_backoff == "60s"
    )
    error_message = "The retry policy is not 1 s to 60 s."
  }
  assert {
    condition     = google_pubsub_subscription.push.message_retention_duration == "604800s"
    error_message = "The push subscription does not keep unacknowledged readings for seven days."
  }
  assert {
    condition     = google_pubsub_topic.this["readings"].message_retention_duration == "604800s"
    error_message = "`readings` cannot be replayed for seven days."
  }
  assert {
    condition     = google_pubsub_subscription.push.dead_letter_policy[0].max_delivery_attempts == 100
    error_message = "An outage of the API would make dead letters of good readings: fewer than 100 attempts."
  }
  assert {
    condition     = google_pubsub_subscription.push.dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.this["readings-dead"].id
    error_message = "Dead letters do not go to `readings-dead`."
  }
  assert {
    condition = (
      google_pubsub_topic_iam_member.dead_letters["readings-dead"].topic == "readings-dead" &&
      google_pubsub_topic_iam_member.dead_letters["readings-dead"].role == "roles/pubsub.publisher" &&
      google_pubsub_topic_iam_member.dead_letters["readings-dead"].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    error_message = "Pub/Sub's own account may not publish dead letters."
  }
  assert {
    condition = (
      google_pubsub_subscription_iam_member.dead_letters.subscription == "readings-push" &&
      google_pubsub_subscription_iam_member.dead_letters.role == "roles/pubsub.subscriber" &&
      google_pubsub_subscription_iam_member.dead_letters.member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    error_message = "Pub/Sub's own account may not acknowledge what it moves to the dead letters."
  }
  assert {
    condition     = toset(keys(google_pubsub_topic.this)) == toset(["readings", "readings-parked", "readings-dead", "decisions", "bigquery-dead"])
    error_message = "There are other topics than the five of the contract."
  }
  assert {
    condition = (
      toset([for s in google_pubsub_subscription.pull : s.name]) == toset(["readings-parked-pull", "readings-dead-pull", "decisions-pull", "bigquery-dead-pull"]) &&
      alltrue([for name, s in google_pubsub_subscription.pull : s.topic == google_pubsub_topic.this[name].id])
    )
    error_message = "A pull subscription is missing, or is of another topic."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.pull : s.message_retention_duration == "2678400s"])
    error_message = "A pull subscription does not keep its messages for 31 days."
  }
  assert {
    condition     = google_pubsub_subscription.push.expiration_policy[0].ttl == ""
    error_message = "The push subscription expires when nobody publishes for a month."
  }
  assert {
    condition     = alltrue([for s in google_pubsub_subscription.pull : s.expiration_policy[0].ttl == ""])
    error_message = "A pull subscription expires when nobody reads it for a month, and its messages with it."
  }
  assert {
    condition     = google_pubsub_subscription.pull["decisions"].enable_message_ordering
    error_message = "An incident could be read as closed before it was opened."
  }
  assert {
    condition     = alltrue([for t in google_pubsub_topic.this : t.message_storage_policy[0].allowed_persistence_regions == toset(["europe-west1"])])
    error_message = "A topic stores messages outside the region."
  }
  assert {
    condition = (
      [for m in google_pubsub_topic_iam_member.readings_publishers : m.member] == ["serviceAccount:gateway@example"] &&
      [for m in google_pubsub_topic_iam_member.readings_publishers : m.topic] == ["readings"] &&
      [for m in google_pubsub_topic_iam_member.readings_publishers : m.role] == ["roles/pubsub.publisher"]
    )
    error_message = "The gateway may not publish to `readings`, or may do more."
  }
}
