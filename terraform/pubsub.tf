# The way of the data. `readings` is pushed to the function; what the function cannot read it parks itself
# (`readings-parked`), and what it never acknowledged Pub/Sub puts aside (`readings-dead`). BigQuery reads along, and
# has dead letters of its own (`bigquery-dead`, see bigquery.tf).

locals {
  topics = {
    readings        = { retention = "${var.pubsub.replay_days * local.days}s" }
    readings-parked = { retention = null }
    readings-dead   = { retention = null }
    decisions       = { retention = null }
    bigquery-dead   = { retention = null }
  }

  # messages wait in these until somebody reads them; decisions of one device come in their order
  pulls = {
    readings-parked = { ordered = false }
    readings-dead   = { ordered = false }
    decisions       = { ordered = true }
    bigquery-dead   = { ordered = false }
  }
}

resource "google_pubsub_topic" "this" {
  for_each = local.topics

  name                       = "${each.key}${local.suffix}"
  message_retention_duration = each.value.retention

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "readings_publishers" {
  for_each = var.readings_publishers

  topic  = google_pubsub_topic.this["readings"].name
  role   = "roles/pubsub.publisher"
  member = each.key
}

# Owned, and not one that Eventarc makes: to that no dead-letter policy can be attached cleanly.
resource "google_pubsub_subscription" "push" {
  name  = "readings-push${local.suffix}"
  topic = google_pubsub_topic.this["readings"].id

  enable_message_ordering = true
  # more than the function's timeouts together, so that an attempt has ended before the next begins
  ack_deadline_seconds       = 60
  message_retention_duration = "${7 * local.days}s"

  push_config {
    push_endpoint = google_cloudfunctions2_function.this.service_config[0].uri
    oidc_token {
      service_account_email = google_service_account.this["pusher"].email
      audience              = google_cloudfunctions2_function.this.service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "1s"
    maximum_backoff = "60s"
  }

  # as many attempts as there may be: with fewer, an outage of the API would make dead letters of good readings
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this["readings-dead"].id
    max_delivery_attempts = 100
  }

  expiration_policy {
    ttl = "" # never
  }

  # a dead letter moved before anything keeps it would be lost; a push before the grants would be refused
  depends_on = [
    google_cloud_run_v2_service_iam_member.pusher,
    google_pubsub_subscription.pull,
    google_pubsub_topic_iam_member.dead_letters,
    google_service_account_iam_member.pubsub_tokens,
  ]
}

resource "google_pubsub_subscription" "pull" {
  for_each = local.pulls

  name  = "${each.key}-pull${local.suffix}"
  topic = google_pubsub_topic.this[each.key].id

  enable_message_ordering    = each.value.ordered
  ack_deadline_seconds       = 60
  message_retention_duration = "${var.pubsub.kept_days * local.days}s"

  expiration_policy {
    ttl = "" # never
  }
}

# Pub/Sub's own account moves dead letters: it publishes them there and acknowledges them here.

resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = toset(["readings-dead", "bigquery-dead"])

  topic  = google_pubsub_topic.this[each.key].name
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  subscription = google_pubsub_subscription.push.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# It also acts as the accounts that push and that write to BigQuery. Projects older than April 2021 do not allow it that
# by themselves.
resource "google_service_account_iam_member" "pubsub_tokens" {
  for_each = toset(["archivist", "pusher"])

  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent

  # Pub/Sub's own account comes into being when Pub/Sub is first used; the provider cannot ask for it
  # (google_project_service_identity is in google-beta only)
  depends_on = [google_pubsub_topic.this]
}
