# GitHub Actions comes in without a key, as no more than its workflow is for.

mock_provider "google" {
  source = "./tests/mocks"
}

override_resource {
  target = google_iam_workload_identity_pool.github[0]
  values = { name = "pool" }
}

override_resource {
  target = google_iam_workload_identity_pool_provider.github[0]
  values = { name = "pool/providers/github" }
}

override_resource {
  target = google_service_account.smoke[0]
  values = { name = "sa/smoke", email = "smoke@example", member = "serviceAccount:smoke@example" }
}

variables {
  project_id = "aiot-test"
}

run "nobody_comes_in_unasked" {
  command = plan

  assert {
    condition = (
      length(google_iam_workload_identity_pool.github) + length(google_iam_workload_identity_pool_provider.github) +
      length(google_project_iam_member.github) + length(google_service_account_iam_member.github_acts_as) == 0
    )
    error_message = "Without a repository there is a way in."
  }
  assert {
    condition     = output.github_variables == null && !contains(keys(google_project_service.this), "sts.googleapis.com")
    error_message = "Without a repository there are variables for it, or the API that exchanges tokens is enabled."
  }
}

run "main_and_pull_requests_of_one_repository_come_in" {
  variables {
    environment = "dev"
    github      = { repository_id = "1234567", repository = "acme/aiot" }
    training    = { profiles = ["leak", "skab"] }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository_id == '1234567' && attribute.access != 'none'"
    error_message = "Another repository, or another workflow of this one, comes in."
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].oidc[0].issuer_uri == "https://token.actions.githubusercontent.com"
    error_message = "Somebody else than GitHub says who comes in."
  }
  assert {
    condition = google_iam_workload_identity_pool_provider.github[0].attribute_mapping == tomap({
      "google.subject" = "assertion.sub"
      "attribute.access" = join(" : ", [
        "assertion.ref == 'refs/heads/main' && assertion.event_name in ['push', 'workflow_dispatch'] && assertion.job_workflow_ref == 'acme/aiot/.github/workflows/terraform.yml@refs/heads/main' ? 'apply'",
        "assertion.ref == 'refs/heads/main' && assertion.event_name in ['push', 'workflow_dispatch'] && assertion.job_workflow_ref == 'acme/aiot/.github/workflows/deploy.yml@refs/heads/main' ? 'deploy'",
        "assertion.event_name == 'pull_request' && assertion.job_workflow_ref.startsWith('acme/aiot/.github/workflows/terraform.yml@refs/pull/') ? 'plan'",
        "'none'",
      ])
    })
    error_message = "A job has another access than its workflow is for."
  }
  assert {
    condition = alltrue([
      for key, m in merge(google_project_iam_member.github, google_service_account_iam_member.github_acts_as) :
      m.member == "principalSet://iam.googleapis.com/pool/attribute.access/${split(" ", key)[0]}"
    ])
    error_message = "One access holds the rights of another."
  }
  assert {
    condition = alltrue([
      for key, m in google_project_iam_member.github :
      can(regex("([rR]eader|[rR]eviewer|[vV]iewer|browser)$", m.role)) if startswith(key, "plan ")
    ])
    error_message = "A plan, which any pull request may start, could change something."
  }
  assert {
    condition = (
      google_project_iam_custom_role.plan[0].permissions == toset([
        "datastore.databases.getMetadata", "datastore.indexes.get", "datastore.indexes.list", "logging.logMetrics.get",
      ]) &&
      google_project_iam_member.github_plan[0].member == "principalSet://iam.googleapis.com/pool/attribute.access/plan" &&
      !anytrue([for m in google_project_iam_member.github : contains(["roles/datastore.viewer", "roles/logging.viewer"], m.role)])
    )
    error_message = "A plan could read documents or logs, or cannot read how they are set up."
  }
  assert {
    condition = (
      { for name, m in google_storage_bucket_iam_member.github_plan_objects : name => "${m.role} ${m.member}" } ==
      { for name in ["sources", "state"] : name => "roles/storage.objectViewer principalSet://iam.googleapis.com/pool/attribute.access/plan" } &&
      { for name, m in google_storage_bucket_iam_member.github_plan_buckets : name => "${m.role} ${m.member}" } ==
      { for name in ["sources", "state", "training"] : name => "roles/storage.bucketViewer principalSet://iam.googleapis.com/pool/attribute.access/plan" }
    )
    error_message = "A plan cannot read the state, or could write it, or could read what training left."
  }
  assert {
    condition = length(setintersection(
      [for m in google_project_iam_member.github : m.role],
      [
        "roles/owner", "roles/editor", "roles/viewer", "roles/iam.roleAdmin", "roles/iam.securityAdmin",
        "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser", "roles/iam.workloadIdentityPoolAdmin",
        "roles/resourcemanager.projectIamAdmin",
      ],
    )) == 0
    error_message = "A workflow could give itself, in the whole project, what it does not have."
  }
  assert {
    condition = (
      google_project_iam_member.github_apply_grants[0].member == "principalSet://iam.googleapis.com/pool/attribute.access/apply" &&
      google_project_iam_member.github_apply_grants[0].condition[0].expression ==
      "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly(['roles/storage.objectViewer', 'roles/logging.logWriter', 'roles/datastore.user'])"
    )
    error_message = "An apply could grant other roles on the project than those of the runtimes, or not even these."
  }
  assert {
    condition = (
      { for key, m in google_service_account_iam_member.github_acts_as : key => m.service_account_id } == merge(
        { for a in ["api", "archivist", "build", "function", "pusher", "scheduler", "sweeper", "training"] : "apply ${a}" => "sa/${a}" },
        { for a in ["api", "build", "training"] : "deploy ${a}" => "sa/${a}" },
      )
    )
    error_message = "A workflow may act as another account than those of the pieces that it starts."
  }
  assert {
    condition = alltrue([
      for m in concat(google_cloud_run_v2_service_iam_member.github_deploy, values(google_cloud_run_v2_job_iam_member.github_deploy)) :
      m.role == "roles/run.developer" && m.member == "principalSet://iam.googleapis.com/pool/attribute.access/deploy"
      ]) && [for m in google_cloud_run_v2_service_iam_member.github_deploy : m.name] == ["aiot-api-dev"] && (
      toset([for m in google_cloud_run_v2_job_iam_member.github_deploy : m.name]) == toset(["aiot-training-leak-dev", "aiot-training-skab-dev"])
    )
    error_message = "A delivery may not deploy the API and the training jobs, or may deploy something else."
  }
  assert {
    condition = (
      { for role, m in google_storage_bucket_iam_member.github_deploy : m.role => "${m.bucket} ${m.member}" } == {
        for role in ["roles/storage.bucketViewer", "roles/storage.objectCreator"] :
        role => "aiot-test-aiot-sources-dev principalSet://iam.googleapis.com/pool/attribute.access/deploy"
      }
    )
    error_message = "A delivery cannot upload what is to be built, or could change what others uploaded."
  }
  assert {
    condition = (
      google_artifact_registry_repository_iam_member.github_deploy[0].role == "roles/artifactregistry.reader" &&
      google_artifact_registry_repository_iam_member.github_deploy[0].member == "principalSet://iam.googleapis.com/pool/attribute.access/deploy"
    )
    error_message = "A delivery cannot read the image that it deploys, or could push one past the build."
  }
  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.smoke[0].role == "roles/run.invoker" &&
      google_cloud_run_v2_service_iam_member.smoke[0].name == "aiot-api-dev" &&
      google_cloud_run_v2_service_iam_member.smoke[0].member == "serviceAccount:smoke@example"
    )
    error_message = "The smoke test's account may not call the API, or may do more."
  }
  assert {
    condition = (
      google_service_account_iam_member.smoke_tokens[0].service_account_id == "sa/smoke" &&
      google_service_account_iam_member.smoke_tokens[0].role == "roles/iam.serviceAccountOpenIdTokenCreator" &&
      google_service_account_iam_member.smoke_tokens[0].member == "principalSet://iam.googleapis.com/pool/attribute.access/deploy"
    )
    error_message = "A delivery cannot sign its smoke test, or could become the smoke test's account."
  }
  assert {
    condition = output.github_variables == {
      GCP_PROJECT                    = "aiot-test"
      GCP_REGION                     = "europe-west1"
      GCP_ENVIRONMENT                = "dev"
      GCP_WORKLOAD_IDENTITY_PROVIDER = "pool/providers/github"
      GCP_API_SERVICE                = "aiot-api-dev"
      GCP_API_IMAGE                  = "europe-west1-docker.pkg.dev/aiot-test/aiot-anomaly-dev/serving"
      GCP_TRAINING_IMAGE             = "europe-west1-docker.pkg.dev/aiot-test/aiot-anomaly-dev/training"
      GCP_TRAINING_JOBS              = "aiot-training-leak-dev aiot-training-skab-dev"
      GCP_BUILD_ACCOUNT              = "sa/build"
      GCP_SMOKE_ACCOUNT              = "smoke@example"
      GCP_SOURCES_BUCKET             = "aiot-test-aiot-sources-dev"
      GCP_STATE_BUCKET               = "aiot-test-aiot-state-dev"
    }
    error_message = "A workflow is told something else than what this apply made."
  }
  assert {
    condition = (
      google_iam_workload_identity_pool.github[0].workload_identity_pool_id == "github-dev" &&
      google_service_account.smoke[0].account_id == "aiot-smoke-dev" &&
      google_project_iam_custom_role.plan[0].role_id == "aiotTerraformPlan_dev"
    )
    error_message = "Two environments would share the way in."
  }
}

run "bad_repositories_are_refused" {
  command = plan

  variables {
    github = { repository_id = "aiot", repository = "acme/aiot" }
  }

  expect_failures = [var.github]
}
