# What GitHub Actions may do here, without a key: GitHub signs a token for each job, Google checks it, and the job's access
# ("plan", "apply", "deploy") holds rights of its own. No service account is impersonated. Off while var.github is null.
#
# A person applies this file: no access below may change the pool or grant itself another role. `apply` administers the
# project's service accounts, though, and so is trusted with the project: protect main, and give prod its own project.

locals {
  github = var.github == null ? 0 : 1

  # Who signs in as what. A branch's and a pull request's workflow may say what its author likes: so only main's
  # workflows change anything, and of main only those that are started from there.
  workflow = var.github == null ? "" : "${var.github.repository}/.github/workflows"
  on_main  = "assertion.ref == 'refs/heads/main' && assertion.event_name in ['push', 'workflow_dispatch']"
  accesses = {
    plan   = "assertion.event_name == 'pull_request' && assertion.job_workflow_ref.startsWith('${local.workflow}/terraform.yml@refs/pull/')"
    apply  = "${local.on_main} && assertion.job_workflow_ref == '${local.workflow}/terraform.yml@refs/heads/main'"
    deploy = "${local.on_main} && assertion.job_workflow_ref == '${local.workflow}/deploy.yml@refs/heads/main'"
  }

  github_members = {
    for access in keys(local.accesses) :
    access => "principalSet://iam.googleapis.com/${one(google_iam_workload_identity_pool.github[*].name)}/attribute.access/${access}"
    if var.github != null
  }

  # On the whole project. What holds for one resource only stands below, beside that resource.
  github_project_roles = {
    # reads what each resource is, and no data
    plan = [
      "roles/artifactregistry.reader",
      "roles/bigquery.metadataViewer",
      "roles/browser",
      "roles/cloudfunctions.viewer",
      "roles/cloudscheduler.viewer",
      "roles/iam.roleViewer",
      "roles/iam.securityReviewer",
      "roles/iam.serviceAccountViewer",
      "roles/iam.workloadIdentityPoolViewer",
      "roles/monitoring.viewer",
      "roles/pubsub.viewer",
      "roles/run.viewer",
      "roles/serviceusage.serviceUsageViewer",
    ]
    # Makes and changes everything but this file. It may also give rights on service accounts, and so act as them: main
    # must be protected as the project is.
    apply = [
      "roles/artifactregistry.admin",
      "roles/bigquery.dataOwner",
      "roles/browser",
      "roles/cloudfunctions.admin",
      "roles/cloudscheduler.admin",
      "roles/datastore.owner",
      "roles/iam.roleViewer",
      "roles/iam.serviceAccountAdmin",
      "roles/iam.workloadIdentityPoolViewer",
      "roles/logging.configWriter",
      "roles/monitoring.alertPolicyEditor",
      "roles/monitoring.dashboardEditor",
      "roles/monitoring.notificationChannelEditor",
      "roles/pubsub.admin",
      "roles/run.admin",
      "roles/serviceusage.serviceUsageAdmin",
      "roles/storage.admin",
    ]
    # starts builds and waits for them, waits for revisions, reads error rates
    deploy = [
      "roles/cloudbuild.builds.editor",
      "roles/monitoring.viewer",
      "roles/run.viewer",
      "roles/serviceusage.serviceUsageConsumer",
    ]
  }

  # all that this configuration grants on the project to its own accounts
  runtime_project_roles = distinct([
    google_project_iam_member.build_function_sources.role,
    google_project_iam_member.build_logs.role,
    google_project_iam_member.function_database.role,
  ])

  # whom the pieces run as: who starts a piece must be allowed to act as its account
  github_acts_as = {
    apply  = keys(local.accounts)
    deploy = ["api", "build", "training"]
  }
}

resource "google_iam_workload_identity_pool" "github" {
  count = local.github

  workload_identity_pool_id = "github${local.suffix}"
  display_name              = "GitHub Actions${local.suffix}"

  depends_on = [google_project_service.this]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125: it looks for assertion.sub only, whose form a repository may change; ids it may not
  count = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"
  display_name                       = "GitHub Actions"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }

  attribute_mapping = {
    "google.subject"   = "assertion.sub"
    "attribute.access" = "${join(" : ", [for access, when in local.accesses : "${when} ? '${access}'"])} : 'none'"
  }
  # the id, as somebody else may take the name when the repository is renamed
  attribute_condition = "assertion.repository_id == '${var.github.repository_id}' && attribute.access != 'none'"
}

resource "google_project_iam_member" "github" {
  for_each = merge([
    for access, member in local.github_members : {
      for role in local.github_project_roles[access] : "${access} ${role}" => { role = role, member = member }
    }
  ]...)

  project = var.project_id
  role    = each.value.role
  member  = each.value.member
}

# no predefined role reads these without the data beside them
resource "google_project_iam_custom_role" "plan" {
  count = local.github

  role_id     = replace("aiotTerraformPlan${local.suffix}", "-", "_")
  title       = "AIoT Terraform plan${local.suffix}"
  description = "Reads how Firestore and the metrics of logs are set up, no document and no log"
  permissions = ["datastore.databases.getMetadata", "datastore.indexes.get", "datastore.indexes.list", "logging.logMetrics.get"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "github_plan" {
  count = local.github

  project = var.project_id
  role    = google_project_iam_custom_role.plan[0].name
  member  = local.github_members.plan
}

# Terraform grants roles on the project one by one; apply may grant, and take, those of the runtimes and no other.
resource "google_project_iam_member" "github_apply_grants" {
  count = local.github

  project = var.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = local.github_members.apply

  condition {
    title       = "roles of the runtimes"
    description = "Only the roles that this configuration grants to its own accounts"
    expression = format(
      "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([%s])",
      join(", ", formatlist("'%s'", local.runtime_project_roles))
    )
  }
}

resource "google_service_account_iam_member" "github_acts_as" {
  for_each = merge([
    for access, member in local.github_members : {
      for account in lookup(local.github_acts_as, access, []) : "${access} ${account}" => { account = account, member = member }
    }
  ]...)

  service_account_id = google_service_account.this[each.value.account].name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value.member
}

# The state, and what of the function is already there. A plan takes no lock (`-lock=false`): it may not write.
resource "google_storage_bucket_iam_member" "github_plan_objects" {
  for_each = var.github == null ? {} : {
    sources = google_storage_bucket.sources.name
    state   = google_storage_bucket.state.name
  }

  bucket = each.value
  role   = "roles/storage.objectViewer"
  member = local.github_members.plan
}

# how the buckets are set up; the artifacts of training are none of a plan's business
resource "google_storage_bucket_iam_member" "github_plan_buckets" {
  for_each = var.github == null ? {} : {
    sources  = google_storage_bucket.sources.name
    state    = google_storage_bucket.state.name
    training = google_storage_bucket.training.name
  }

  bucket = each.value
  role   = "roles/storage.bucketViewer"
  member = local.github_members.plan
}

# What deploy builds from, where it is pushed, and what runs it.

resource "google_storage_bucket_iam_member" "github_deploy" {
  for_each = var.github == null ? [] : toset(["roles/storage.bucketViewer", "roles/storage.objectCreator"])

  bucket = google_storage_bucket.sources.name
  role   = each.key
  member = local.github_members.deploy
}

resource "google_artifact_registry_repository_iam_member" "github_deploy" {
  count = local.github

  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.reader"
  member     = local.github_members.deploy
}

resource "google_cloud_run_v2_service_iam_member" "github_deploy" {
  count = local.github

  name     = google_cloud_run_v2_service.api.name
  location = google_cloud_run_v2_service.api.location
  role     = "roles/run.developer"
  member   = local.github_members.deploy
}

resource "google_cloud_run_v2_job_iam_member" "github_deploy" {
  for_each = var.github == null ? {} : google_cloud_run_v2_job.training

  name     = each.value.name
  location = each.value.location
  role     = "roles/run.developer"
  member   = local.github_members.deploy
}

# The smoke test calls the API. Cloud Run wants an ID token for that, which a federated identity cannot have; so deploy may
# have one made for an account that can do nothing else.

resource "google_service_account" "smoke" {
  count = local.github

  account_id   = "aiot-smoke${local.suffix}"
  display_name = "Smoke test of a delivery: calls the API and nothing else"

  depends_on = [google_project_service.this]
}

resource "google_cloud_run_v2_service_iam_member" "smoke" {
  count = local.github

  name     = google_cloud_run_v2_service.api.name
  location = google_cloud_run_v2_service.api.location
  role     = "roles/run.invoker"
  member   = google_service_account.smoke[0].member
}

resource "google_service_account_iam_member" "smoke_tokens" {
  count = local.github

  service_account_id = google_service_account.smoke[0].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.github_members.deploy
}
