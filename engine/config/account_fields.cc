#include "engine/config/account_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/config/reader.h"
#include "engine/config/suggest.h"

namespace sluice {
namespace {

struct Alias {
  std::string_view path;
  std::string_view name;
  std::string_view expected = {};  // "": as of the key itself
};

constexpr Alias kAliases[] = {
    {"base_url", "api_base_url"},
    {"dialect", "api", "openai-completions or anthropic"},  // as it is shown
    {"timeouts.first_byte", "timeout_seconds"},             // its timeout held for every read
    {"timeouts.idle", "timeout_seconds"},
    {"window", "window_seconds"},
};

// AccountFieldReader - fills what is described from a list of fields, and collects the faults.
class AccountFieldReader final : public KeyVisitor {
 public:
  AccountFieldReader(std::span<const AccountField> fields, AccountForm form,
                     std::vector<AccountFieldFault>& faults)
      : fields_(fields), form_(form), faults_(&faults) {}

  void scalar(std::string_view key, Scalar&& scalar, Need need) override;
  void texts(std::string_view, TextList&&) override {}
  void section(std::string_view key, const Describe& keys) override {
    const std::string outer = path_;
    path_ = join_path(path_, key);
    keys(*this);
    path_ = outer;
  }
  void sections(std::string_view, SectionList&&) override {}
  void models(std::string_view, std::vector<ModelMapping>&) override {}

  // Fields that nothing asked for, and those that were given twice.
  void report_strange_fields();

 private:
  // The field for `path` under any of its names; nullptr when it was not given.
  const AccountField* find(std::string_view path);
  void refuse(std::string_view field, std::string problem, const std::string& expected) {
    const auto same = [&](const AccountFieldFault& fault) { return fault.field == field; };
    if (std::ranges::any_of(*faults_, same)) return;  // one field that stands for two keys
    faults_->push_back({std::string(field), std::move(problem), "give " + expected});
  }

  std::span<const AccountField> fields_;
  AccountForm form_;
  std::vector<AccountFieldFault>* faults_;
  std::string path_;
  std::vector<std::string> known_;
};

const AccountField* AccountFieldReader::find(std::string_view path) {
  const auto named = [&](std::string_view name) {
    known_.emplace_back(name);
    const auto found = std::ranges::find(fields_, name, &AccountField::name);
    return found == fields_.end() ? nullptr : &*found;
  };
  const AccountField* found = named(path);
  for (const Alias& alias : kAliases)
    if (alias.path == path)
      if (const AccountField* const other = named(alias.name); found == nullptr) found = other;
  return found;
}

void AccountFieldReader::scalar(std::string_view key, Scalar&& scalar, Need need) {
  const std::string path = join_path(path_, key);
  const AccountField* const field = find(path);
  if (field == nullptr) {
    if (need == Need::kRequired && form_ == AccountForm::kWhole)
      refuse(path, "is missing", scalar.expected());
    return;
  }
  const std::string_view problem = scalar.set(field->text);
  if (problem.empty()) return;
  const auto* const alias = std::ranges::find(kAliases, field->name, &Alias::name);
  std::string expected = field->is_json ? scalar.expected_number() : scalar.expected();
  if (alias != std::end(kAliases) && !alias->expected.empty()) expected = alias->expected;
  const bool is_number = field->is_json && !scalar.is_text() && !scalar.is_secret() &&
                         field->text.find_first_not_of("-+.0123456789eE") == field->text.npos;
  refuse(
      field->name,
      is_number ? problem_text(field->text, problem) : problem_text(scalar, field->text, problem),
      expected);
}

void AccountFieldReader::report_strange_fields() {
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const std::string_view name = fields_[i].name;
    if (std::ranges::find(fields_.first(i), name, &AccountField::name) != fields_.first(i).end()) {
      faults_->push_back({std::string(name), "is given twice", "give it once"});
    } else if (std::ranges::find(known_, name) == known_.end()) {
      const std::string_view meant = nearest(name, known_);
      faults_->push_back({std::string(name), "is no field of an account",
                          meant.empty() ? "leave it out" : fmt::format("say \"{}\"", meant)});
    }
  }
}

void validate_model(const AccountModelFields& model, std::vector<AccountFieldFault>& faults) {
  const std::string path = "model_mappings." + std::string(model.canonical.substr(0, 256));
  const auto refuse = [&](std::string_view field, std::string_view text, std::string_view problem,
                          std::string_view expected) {
    if (!problem.empty())
      faults.push_back({join_path(path, field), problem_text(quoted_value(text), problem),
                        fmt::format("give {}", expected)});
  };
  if (const auto problem = kModelRule.check(model.canonical); !problem.empty())
    faults.push_back({"model_mappings", problem_text(quoted_value(model.canonical), problem),
                      fmt::format("give {}", kModelRule.expected)});
  refuse("native_id", model.native_id, kOptionalModelRule.check(model.native_id),
         kOptionalModelRule.expected);
}

}  // namespace

std::vector<AccountFieldFault> validate_account(std::span<const AccountField> fields,
                                                std::span<const AccountModelFields> models,
                                                AccountForm form, AccountConfig& account,
                                                AccountNotes& notes) {
  std::vector<AccountFieldFault> faults;
  AccountFieldReader reader(fields, form, faults);
  describe(reader, account);
  reader.scalar("label", OptionalTextScalar(notes.label, kNoteRule), Need::kOptional);
  reader.scalar("email", OptionalTextScalar(notes.email, kNoteRule), Need::kOptional);
  reader.scalar("notes", OptionalTextScalar(notes.notes, kNoteRule), Need::kOptional);
  reader.report_strange_fields();
  if (models.empty()) return faults;
  account.models.clear();
  for (const AccountModelFields& model : models) {
    validate_model(model, faults);
    const std::string_view native = model.native_id.empty() ? model.canonical : model.native_id;
    if (std::ranges::find(account.models, model.canonical, &ModelMapping::canonical) !=
        account.models.end())
      faults.push_back({"model_mappings",
                        fmt::format("{} stands in it twice", quoted_value(model.canonical)),
                        "give it once"});
    account.models.push_back({std::string(model.canonical), std::string(native)});
  }
  return faults;
}

}  // namespace sluice
