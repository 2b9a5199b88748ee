# What several concerns share.

locals {
  # ends every name, so that two environments can share a project
  suffix = var.environment == null ? "" : "-${var.environment}"

  days = 86400 # seconds

  # Google's own account that pushes messages, writes them to BigQuery, and moves dead letters
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # where images are pushed to, without a tag
  repository     = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
  image          = "${local.repository}/serving"
  training_image = "${local.repository}/training"
}
