#include "admin/account_draft.h"

#include <map>

#include "admin/stored_entries.h"
#include "engine/config/scalar.h"
#include "store/import/model_mappings.h"
#include "tls/context.h"

namespace sluice {
namespace {

using Texts = std::map<std::string, std::string>;

void read_mappings(const AdminCall& call, AccountDraft& draft, std::vector<FieldProblem>& faults) {
  const auto given = call.args.find("mappings");
  if (given == call.args.end()) return;
  auto models = parse_model_mappings(given->dump(), StrangeMembers::kRefused);
  if (models) {
    draft.models = std::move(*models);
    return;
  }
  for (const MappingFault& fault : models.error())
    faults.push_back({"model_mappings" + (fault.field.empty() ? "" : "." + fault.field),
                      fault.problem, fault.mend});
}

// Of the metadata, the texts that an export has too, which an import must take.
void check_metadata(const nlohmann::json& metadata, std::vector<FieldProblem>& faults) {
  for (const char* name : {"email", "notes"}) {
    const auto text = metadata.find(name);
    if (text == metadata.end() || !text->is_string()) continue;
    if (const auto problem = kNoteRule.check(text->get_ref<const std::string&>());
        !problem.empty()) {
      faults.push_back({"metadata." + std::string(name), std::string(problem),
                        "give " + std::string(kNoteRule.expected)});
    }
  }
}

// What is given goes before what there was.
void take(AccountOverrides& into, const AccountOverrides& given) {
  const auto put = [](auto& value, const auto& other) {
    if (other) value = other;
  };
  put(into.rpm_limit, given.rpm_limit);
  put(into.tpm_limit, given.tpm_limit);
  put(into.rpd_limit, given.rpd_limit);
  put(into.concurrent_limit, given.concurrent_limit);
  put(into.window, given.window);
  put(into.connect, given.connect);
  put(into.first_byte, given.first_byte);
  put(into.idle, given.idle);
  put(into.first_token, given.first_token);
  put(into.total, given.total);
  put(into.bucket, given.bucket);
  put(into.learn_limits, given.learn_limits);
}

}  // namespace

std::vector<FieldProblem> read_draft(const AdminCall& call, AccountForm form, bool secret_is_key,
                                     AccountDraft& draft) {
  std::vector<FieldProblem> faults;
  const Texts given = call.args.value("fields", Texts());
  const Texts models = call.args.value("models", Texts());
  std::vector<AccountField> fields;
  const bool is_json = call.args.value("from_network", false);
  for (const auto& [name, text] : given) fields.push_back({name, text, is_json});
  if (secret_is_key) fields.push_back({"api_key", call.secret.reveal()});
  if (const std::string_view key = call.secret.reveal();
      secret_is_key && key.starts_with("${") && key.ends_with('}'))
    faults.push_back(
        {"api_key", "names an environment variable; the store takes none", "give the key itself"});
  read_mappings(call, draft, faults);
  std::vector<AccountModelFields> names;
  for (const auto& [canonical, native] : models) names.push_back({canonical, native});
  if (draft.models)
    for (const StoredMapping& model : *draft.models)
      names.push_back({model.canonical, model.native_id});
  for (const AccountFieldFault& fault :
       validate_account(fields, names, form, draft.account, draft.notes))
    faults.push_back({fault.field, fault.problem, fault.mend});
  take(draft.overrides, overrides_in(fields, draft.account));
  if (const auto metadata = call.args.find("metadata"); metadata != call.args.end()) {
    check_metadata(*metadata, faults);
    draft.metadata = metadata->empty() ? std::string() : metadata->dump();
  }
  if (given.contains("ca_file") && !draft.account.ca_file.empty()) {
    if (const auto trust = TrustStore::from_file(draft.account.ca_file); !trust)
      faults.push_back({"ca_file", trust.error(), ""});
  }
  return faults;
}

}  // namespace sluice
