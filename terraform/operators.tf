# People who look after devices with `python -m functions`: maintenance, recalibration, and messages that are published
# again. They may do that and nothing else.

# A change of a device is a conditional write of its state, as the function's own are.
resource "google_project_iam_member" "operators_database" {
  for_each = var.operators

  project = var.project_id
  role    = "roles/datastore.user"
  member  = each.key

  condition {
    title       = "database ${google_firestore_database.this.name}"
    description = "Only the database that keeps the devices' states"
    expression  = "resource.name == \"projects/${var.project_id}/databases/${google_firestore_database.this.name}\""
  }
}

locals {
  # each operator with each subscription whose messages can be published again
  redrivers = { for pair in setproduct(["readings-dead", "readings-parked"], var.operators) : join(" ", pair) => pair }
}

resource "google_pubsub_subscription_iam_member" "operators" {
  for_each = local.redrivers

  subscription = google_pubsub_subscription.pull[each.value[0]].name
  role         = "roles/pubsub.subscriber"
  member       = each.value[1]
}

resource "google_pubsub_topic_iam_member" "operators" {
  for_each = var.operators

  topic  = google_pubsub_topic.this["readings"].name
  role   = "roles/pubsub.publisher"
  member = each.key
}
