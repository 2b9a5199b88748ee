# The budget: only where somebody gave one.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aiot-test"
}

run "a_budget_warns_before_it_is_spent" {
  command = plan

  variables {
    budget       = { billing_account = "012345-6789AB-CDEF01", monthly = 200, currency = "EUR" }
    alert_emails = ["a@example.com", "b@example.com", "c@example.com", "d@example.com", "e@example.com", "f@example.com"]
  }

  assert {
    condition     = google_billing_budget.this[0].billing_account == "012345-6789AB-CDEF01"
    error_message = "The budget is not on the account that was given."
  }
  assert {
    condition = (
      google_billing_budget.this[0].amount[0].specified_amount[0].units == "200" &&
      google_billing_budget.this[0].amount[0].specified_amount[0].currency_code == "EUR"
    )
    error_message = "The budget is not what was asked for."
  }
  assert {
    condition     = toset([for r in google_billing_budget.this[0].threshold_rules : r.threshold_percent if r.spend_basis != "FORECASTED_SPEND"]) == toset([0.5, 0.9, 1])
    error_message = "Nobody is told at 50, 90 and 100 %."
  }
  assert {
    condition     = [for r in google_billing_budget.this[0].threshold_rules : r.threshold_percent if r.spend_basis == "FORECASTED_SPEND"] == [1]
    error_message = "Nobody is told when the month looks too expensive."
  }
  assert {
    condition     = length(google_billing_budget.this[0].all_updates_rule[0].monitoring_notification_channels) == 5
    error_message = "Who is told of alerts is not told of costs, or more than the five that are allowed."
  }
  assert {
    condition     = contains(keys(google_project_service.this), "billingbudgets.googleapis.com")
    error_message = "The Budget API is not enabled."
  }
}
