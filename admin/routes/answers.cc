#include "admin/routes/answers.h"

#include "admin/routes/json_body.h"

namespace sluice {

AdminResponse refusal_of(const AdminAnswer& answer, std::string_view missing) {
  std::string text = answer.text;
  while (text.ends_with('\n')) text.pop_back();
  switch (answer.outcome) {
    case AdminOutcome::kInvalid: return refuse_fields(answer.faults);
    case AdminOutcome::kNotFound: return admin_error(404, missing, "not_found");
    case AdminOutcome::kConflict:
      if (!answer.faults.empty()) return refuse_fields(answer.faults, text, "conflict", 409);
      return admin_error(409, text, "conflict");
    case AdminOutcome::kOutdated: return admin_error(412, text, "outdated");
    case AdminOutcome::kNotStored: return refuse_without_store();
    case AdminOutcome::kDone:
    case AdminOutcome::kFailed: break;
  }
  return admin_error(503, text, "store_trouble");
}

AdminResponse refuse_without_store() {
  return admin_error(
      503, "nothing is stored: this gateway has no data directory (store.directory is none)",
      "not_stored");
}

AdminResponse store_trouble(const StoreError& error) {
  return admin_error(503, explain(error, "the data directory"), "store_trouble");
}

}  // namespace sluice
