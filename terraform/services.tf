# The APIs, in two steps: the first ones are what Terraform itself asks the rest through.
# None is disabled on destroy: something else in the project may need it.

locals {
  base_services = ["cloudresourcemanager.googleapis.com", "iam.googleapis.com", "serviceusage.googleapis.com"]
  services = [
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "bigquerystorage.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudscheduler.googleapis.com",
    "containeranalysis.googleapis.com", # keeps the provenance of what Cloud Build makes
    "firestore.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "storage.googleapis.com",
  ]
}

resource "google_project_service" "base" {
  for_each = toset(local.base_services)

  service            = each.key
  disable_on_destroy = false
}

resource "google_project_service" "this" {
  for_each = toset(concat(
    local.services,
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.github == null ? [] : ["sts.googleapis.com"],
  ))

  service            = each.key
  disable_on_destroy = false

  depends_on = [google_project_service.base]
}

data "google_project" "this" {
  project_id = var.project_id

  depends_on = [google_project_service.base]
}
