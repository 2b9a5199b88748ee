# The buckets: what is built from, what training makes, and Terraform's own state.

resource "google_storage_bucket" "sources" {
  # checkov:skip=CKV_GCP_78: each upload is named by its content or its time, so none replaces another
  name     = "${var.project_id}-aiot-sources${local.suffix}"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  # it holds nothing that the repository does not hold
  force_destroy = true

  # what was uploaded to build images from; the function's archives are deleted as new ones come
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age            = 30
      matches_prefix = ["builds/"]
    }
  }

  depends_on = [google_project_service.this]
}

# What training leaves: executed notebooks, metrics, bundles. A bundle that became champion is in git as well.
resource "google_storage_bucket" "training" {
  # checkov:skip=CKV_GCP_78: each training leaves a folder of its own, so none replaces another
  name     = "${var.project_id}-aiot-training${local.suffix}"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.buckets.artifact_days
    }
  }

  depends_on = [google_project_service.this]
}

# Made by the same apply whose state it may hold afterwards: remote-state.sh moves the state here.
resource "google_storage_bucket" "state" {
  name     = "${var.project_id}-aiot-state${local.suffix}"
  location = var.region

  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection

  versioning {
    enabled = true
  }

  # a broken state is mended from an older version
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = var.buckets.state_versions
      with_state         = "ARCHIVED"
    }
  }

  depends_on = [google_project_service.this]
}
