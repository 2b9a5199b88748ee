# Readings and decisions for analysts. Pub/Sub writes each message as it is, so that none is refused for its content;
# the views (views/*.sql) take the messages apart.

locals {
  # topic => how long its messages stay
  archived = {
    readings  = { days = var.bigquery.readings_days }
    decisions = { days = var.bigquery.decisions_days }
  }

  # what a BigQuery subscription with metadata writes
  message_schema = [
    { name = "subscription_name", type = "STRING", mode = "NULLABLE", description = "The subscription that wrote the row" },
    { name = "message_id", type = "STRING", mode = "NULLABLE", description = "Pub/Sub's id of the message" },
    { name = "publish_time", type = "TIMESTAMP", mode = "NULLABLE", description = "When Pub/Sub took the message" },
    { name = "attributes", type = "JSON", mode = "NULLABLE", description = "The message's attributes and its ordering key" },
    # text and not JSON: a malformed message is a row as well
    { name = "data", type = "STRING", mode = "NULLABLE", description = "The message as it was sent, JSON if all is well" },
  ]
}

resource "google_bigquery_dataset" "this" {
  dataset_id  = replace("aiot${local.suffix}", "-", "_")
  location    = var.region
  description = "Readings and decisions: tables of messages, and views of what they say"

  delete_contents_on_destroy = !var.deletion_protection

  depends_on = [google_project_service.this]
}

resource "google_bigquery_table" "messages" {
  for_each = local.archived

  dataset_id          = google_bigquery_dataset.this.dataset_id
  table_id            = "${each.key}_messages"
  description         = "Messages of the topic ${each.key}${local.suffix}, some of them more than once"
  schema              = jsonencode(local.message_schema)
  deletion_protection = var.deletion_protection

  time_partitioning {
    type          = "DAY"
    field         = "publish_time"
    expiration_ms = each.value.days == 0 ? null : each.value.days * local.days * 1000
  }
}

resource "google_bigquery_table" "view" {
  for_each = local.archived

  dataset_id  = google_bigquery_dataset.this.dataset_id
  table_id    = each.key
  description = "What the messages in ${each.key}_messages say, each thing once"
  # checkov:skip=CKV_GCP_121: a view holds nothing
  deletion_protection = false

  view {
    use_legacy_sql = false
    query = templatefile("${path.module}/views/${each.key}.sql", {
      table = "${var.project_id}.${google_bigquery_dataset.this.dataset_id}.${google_bigquery_table.messages[each.key].table_id}"
    })
  }
}

# An account of its own and not Pub/Sub's: with that, whoever may make a subscription in this project could write here.
resource "google_bigquery_table_iam_member" "archivist" {
  for_each = google_bigquery_table.messages

  dataset_id = each.value.dataset_id
  table_id   = each.value.table_id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.this["archivist"].member
}

resource "google_pubsub_subscription" "bigquery" {
  for_each = google_bigquery_table.messages

  name  = "${each.key}-bigquery${local.suffix}"
  topic = google_pubsub_topic.this[each.key].id

  message_retention_duration = "${7 * local.days}s"

  bigquery_config {
    table                 = "${var.project_id}.${each.value.dataset_id}.${each.value.table_id}"
    service_account_email = google_service_account.this["archivist"].email
    write_metadata        = true
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  # What BigQuery refuses, such as bytes that are no text, is set aside in a topic of its own: the function may have
  # decided on the very same message, so it is no dead reading. Many attempts, as an outage is no refusal.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.this["bigquery-dead"].id
    max_delivery_attempts = 100
  }

  expiration_policy {
    ttl = "" # never
  }

  # Pub/Sub tries the table when the subscription is made, and new grants take a minute or two to spread: by the time
  # the function is built they have.
  depends_on = [
    google_bigquery_table_iam_member.archivist,
    google_cloudfunctions2_function.this,
    google_pubsub_subscription.pull,
    google_pubsub_topic_iam_member.dead_letters,
    google_service_account_iam_member.pubsub_tokens,
  ]
}

resource "google_pubsub_subscription_iam_member" "bigquery_dead_letters" {
  for_each = google_pubsub_subscription.bigquery

  subscription = each.value.name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}
