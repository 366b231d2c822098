// Provider files, as they are written.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/config/provider_file.h"
#include "engine/config/redact.h"
#include "engine/config/schema.h"

namespace sluice {
namespace {

// OtherKeys - passes on the keys of an account but those that a provider file has by itself.
class OtherKeys final : public KeyVisitor {
 public:
  explicit OtherKeys(KeyVisitor& inner) : inner_(&inner) {}
  void scalar(std::string_view key, Scalar&& scalar, Need need) override {
    constexpr std::string_view kOwn[] = {"name", "base_url",     "api_key",
                                         "pool", "model_prefix", "rpm_limit"};
    if (std::ranges::find(kOwn, key) == std::end(kOwn))
      inner_->scalar(key, std::move(scalar), need);
  }
  void texts(std::string_view key, TextList&& list) override {
    inner_->texts(key, std::move(list));
  }
  void section(std::string_view key, const Describe& keys) override { inner_->section(key, keys); }
  void sections(std::string_view key, SectionList&& list) override {
    inner_->sections(key, std::move(list));
  }
  void models(std::string_view key, std::vector<ModelMapping>& models) override {
    inner_->models(key, models);
  }

 private:
  KeyVisitor* inner_;
};

// `text` between double quotes as YAML and JSON have it, in pieces: no copy of it is made.
void write_quoted(std::string_view text, const std::function<void(std::string_view)>& sink) {
  sink("\"");
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const char c = i < text.size() ? text[i] : '\0';
    const bool plain = c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    if (i < text.size() && plain) continue;
    sink(text.substr(begin, i - begin));
    begin = i + 1;
    if (i == text.size()) break;
    if (c == '"' || c == '\\') sink(c == '"' ? "\\\"" : "\\\\");
    else if (c == '\n') sink("\\n");
    else sink(fmt::format("\\u{:04x}", static_cast<unsigned char>(c)));
  }
  sink("\"");
}

void write_key(const ProviderEntry& entry, KeyDisplay keys,
               const std::function<void(std::string_view)>& sink) {
  const std::string_view key = entry.account.api_key.reveal();
  if (!entry.key_variable.empty()) write_quoted("${" + entry.key_variable + "}", sink);
  else write_quoted(keys == KeyDisplay::kClear ? key : redacted(key), sink);
}

struct Member {
  std::string section, key, text;  // no section: of the entry itself
  bool is_text;
};

// MemberTexts - the members of an entry as they are written, in one order for every entry.
class MemberTexts final : public KeyVisitor {
 public:
  explicit MemberTexts(std::vector<Member>& members) : members_(&members) {}
  void scalar(std::string_view key, Scalar&& scalar, Need) override {
    members_->push_back({section_, std::string(key), scalar.text(), scalar.is_text()});
  }
  void section(std::string_view key, const Describe& keys) override {
    section_ = key;
    keys(*this);
    section_.clear();
  }
  void texts(std::string_view, TextList&&) override {}
  void sections(std::string_view, SectionList&&) override {}
  void models(std::string_view, std::vector<ModelMapping>&) override {}

 private:
  std::vector<Member>* members_;
  std::string section_;
};

std::vector<Member> other_members(ProviderEntry& entry) {
  std::vector<Member> members;
  MemberTexts texts(members);
  describe_other_members(texts, entry);
  return members;
}

bool gives(const AccountOverrides& overrides, std::string_view key) {
  return (key == "window" && overrides.window) || (key == "bucket" && overrides.bucket) ||
         (key == "learn_limits" && overrides.learn_limits) ||
         (key == "tpm_limit" && overrides.tpm_limit) ||
         (key == "rpd_limit" && overrides.rpd_limit) ||
         (key == "concurrent_limit" && overrides.concurrent_limit) ||
         (key == "first_byte" && overrides.first_byte) || (key == "idle" && overrides.idle) ||
         (key == "connect" && overrides.connect) || (key == "total" && overrides.total) ||
         (key == "first_token" && overrides.first_token);
}

void write_models(std::span<const ModelMapping> models,
                  const std::function<void(std::string_view)>& sink) {
  if (!models.empty()) sink("    models:\n");
  for (const ModelMapping& model : models) {
    sink("      ");
    write_quoted(model.canonical, sink);
    sink(": ");
    write_quoted(model.native, sink);
    sink("\n");
  }
  bool first = true;
  for (const ModelMapping& model : models) {
    Price cost = model.cost;
    if (!cost.known()) continue;
    if (std::exchange(first, false)) sink("    model_costs:\n");
    sink("      - model: ");
    write_quoted(model.canonical, sink);
    sink(
        fmt::format("\n        input: {}\n        output: {}\n        cached_read: {}\n"
                    "        cached_write: {}\n",
                    PriceScalar(cost.input).text(), PriceScalar(cost.output).text(),
                    PriceScalar(cost.cached_read).text(), PriceScalar(cost.cached_write).text()));
  }
}

// What differs from a new account, and what is given though it does not. A price is written whole:
// one of 0 for cached tokens is not the same as none.
void write_others(const ProviderEntry& entry, const std::function<void(std::string_view)>& sink) {
  ProviderEntry plain;
  // Nothing is written to it: scalars, which could, are asked for their texts.
  const std::vector<Member> members = other_members(const_cast<ProviderEntry&>(entry));
  const std::vector<Member> usual = other_members(plain);
  std::string_view section;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const Member& member = members[i];
    const bool priced = member.section == "cost" && entry.account.cost.known();
    if (member.text == usual[i].text && !gives(entry.overrides, member.key) && !priced) continue;
    if (member.section != section && !member.section.empty()) sink("    " + member.section + ":\n");
    section = member.section;
    sink((section.empty() ? "    " : "      ") + member.key + ": ");
    if (member.is_text) write_quoted(member.text, sink);
    else sink(member.text);
    sink("\n");
  }
  write_models(entry.account.models, sink);
}

}  // namespace

void describe_other_members(KeyVisitor& v, ProviderEntry& entry) {
  v.scalar("label", OptionalTextScalar(entry.notes.label, kNoteRule));
  OtherKeys others(v);
  describe(others, entry.account);
}

void write_provider_file(std::span<const ProviderEntry> entries, KeyDisplay keys,
                         const std::function<void(std::string_view)>& sink) {
  sink(entries.empty() ? "providers: []\n" : "providers:\n");
  for (const ProviderEntry& entry : entries) {
    const AccountConfig& account = entry.account;
    const auto text = [&](std::string_view key, std::string_view value) {
      sink(key);
      write_quoted(value, sink);
      sink("\n");
    };
    text("  - account: ", account.name);
    text("    email: ", entry.notes.email);
    sink("    api_key: ");
    write_key(entry, keys, sink);
    sink("\n");
    text("    endpoint_url: ", account.base_url);
    text("    model_prefix: ", account.model_prefix);
    sink(account.pool == Pool::kPrimary ? "    pool: main\n" : "    pool: fallback\n");
    sink(fmt::format("    rpm_limit: {}\n", account.rpm_limit));
    text("    notes: ", entry.notes.notes);
    write_others(entry, sink);
  }
}

}  // namespace sluice
