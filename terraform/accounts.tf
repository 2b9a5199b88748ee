# One service account for each thing that runs. What each may do stands beside the resource it may do it to.

locals {
  accounts = {
    api       = "Inference API; it calls nothing"
    archivist = "Pub/Sub's BigQuery subscriptions: writes the tables of messages"
    build     = "Cloud Build: builds the function and the images"
    function  = "Function behind readings: keeps states, calls the API, publishes decisions"
    pusher    = "Pub/Sub's push: calls the function and nothing else"
    scheduler = "Cloud Scheduler: starts the training jobs and nothing else"
    sweeper   = "Cloud Scheduler: has the function look after silent devices and nothing else"
    training  = "Training jobs: write artifacts to their bucket"
  }
}

resource "google_service_account" "this" {
  for_each = local.accounts

  account_id   = "aiot-${each.key}${local.suffix}"
  display_name = each.value

  depends_on = [google_project_service.this]
}

# Cloud Build's grants: write logs and images, read sources.

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.this["build"].member
}

resource "google_artifact_registry_repository_iam_member" "build_images" {
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.this["build"].member
}

resource "google_storage_bucket_iam_member" "build_sources" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.this["build"].member
}

# Cloud Functions builds from a copy in a bucket that it makes itself, at the first deployment; so the grant is on the
# project and bound to the bucket's name.
resource "google_project_iam_member" "build_function_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.this["build"].member

  condition {
    title       = "function sources"
    description = "Only the bucket in which Cloud Functions keeps sources"
    expression  = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${data.google_project.this.number}-${var.region}\")"
  }
}
