#include "store/vault/rotation.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

using Kind = RotationFailure::Kind;

constexpr char kStateVersion = 1;
constexpr std::size_t kIdBytes = sizeof(KeyId::bytes);

std::unexpected<RotationFailure> refuse(Kind kind, std::string message) {
  return std::unexpected(RotationFailure{kind, std::move(message), {}});
}

std::unexpected<RotationFailure> store_failed(const Error& error) {
  std::string message = "the store failed while keys were rotated (";
  message += errc_text(error.code);
  return std::unexpected(RotationFailure{
      Kind::kStore, message + "); rotate again with the same keys to go on", error});
}

// Rotation - one call of rotate().
class Rotation {
 public:
  using Outcome = std::expected<void, RotationFailure>;

  Rotation(const MasterKey& from, const MasterKey& to, SealedFields& fields)
      : from_(&from), to_(&to), old_(from), new_(to), fields_(&fields) {}

  // Opens every field under its key; nothing is changed.
  Outcome open_all();
  // Finds where to begin; report.was_done when there is nothing to do.
  Outcome begin();
  // Behind the cursor everything is sealed anew.
  Outcome reseal_all();
  // Opens every field under the new key; nothing is changed. False when one is under the old key.
  std::expected<bool, RotationFailure> verify_all();
  // Sets the cursor back to the first field.
  Outcome start_over() { return commit_cursor(""); }
  Outcome finish(std::int64_t now_unix_ms);

  RotationReport report;

 private:
  Outcome reseal(const SealedField& field);
  Outcome commit_cursor(std::string cursor);

  const MasterKey* from_;
  const MasterKey* to_;
  Vault old_, new_;
  SealedFields* fields_;
  RotationState state_;
};

Rotation::Outcome Rotation::begin() {
  if (from_->id() == to_->id())
    return refuse(Kind::kSameKey,
                  "the old and the new master key are the same: " + to_->id().text());
  const auto check = fields_->key_check();
  if (!check) return store_failed(check.error());
  const auto stored = fields_->rotation();
  if (!stored) return store_failed(stored.error());
  if (!stored->has_value() && KeyCheck::check(*to_, *check)) {
    report.was_done = true;
    return {};
  }
  if (const auto old = KeyCheck::check(*from_, *check); !old)
    return refuse(Kind::kOldKey, old.error().text("the old key", "this database"));
  if (!stored->has_value()) {
    // A field that cannot be opened is found before the first one is changed.
    if (auto sound = open_all(); !sound) return sound;
    state_ = {.from = from_->id(), .to = to_->id(), .cursor = {}};
    return commit_cursor("");
  }
  state_ = **stored;
  report.resumed = true;
  if (state_.from == from_->id() && state_.to == to_->id()) return {};
  return refuse(Kind::kOtherRotation, "a rotation from " + state_.from.text() + " to " +
                                          state_.to.text() +
                                          " has begun and not ended; finish that one first");
}

Rotation::Outcome Rotation::open_all() {
  std::string cursor;
  for (;;) {
    const auto page = fields_->page(cursor, kRotationPageFields);
    if (!page) return store_failed(page.error());
    if (page->empty()) return {};
    for (const SealedField& field : *page) {
      const bool is_new = Vault::sealed_under(field.sealed) == new_.key_id();
      const auto clear = (is_new ? new_ : old_).open(field.ref(), field.sealed);
      if (!clear) return refuse(Kind::kField, clear.error().text(field.ref()));
    }
    cursor = page->back().key;
  }
}

Rotation::Outcome Rotation::reseal_all() {
  for (;;) {
    const auto page = fields_->page(state_.cursor, kRotationPageFields);
    if (!page) return store_failed(page.error());
    if (page->empty()) return {};
    for (const SealedField& field : *page)
      if (auto outcome = reseal(field); !outcome) return outcome;
    if (auto outcome = commit_cursor(page->back().key); !outcome) return outcome;
  }
}

Rotation::Outcome Rotation::reseal(const SealedField& field) {
  if (Vault::sealed_under(field.sealed) == new_.key_id()) {
    ++report.passed_over;
    return {};
  }
  const auto clear = old_.open(field.ref(), field.sealed);
  if (!clear) return refuse(Kind::kField, clear.error().text(field.ref()));
  const auto replaced = fields_->replace(field, new_.seal(field.ref(), clear->reveal()));
  if (!replaced) return store_failed(replaced.error());
  ++report.resealed;
  return {};
}

std::expected<bool, RotationFailure> Rotation::verify_all() {
  std::string cursor;
  for (;;) {
    const auto page = fields_->page(cursor, kRotationPageFields);
    if (!page) return store_failed(page.error());
    if (page->empty()) return true;
    for (const SealedField& field : *page) {
      if (Vault::sealed_under(field.sealed) == old_.key_id()) return false;
      const auto clear = new_.open(field.ref(), field.sealed);
      if (!clear) return refuse(Kind::kField, clear.error().text(field.ref()));
    }
    cursor = page->back().key;
  }
}

Rotation::Outcome Rotation::commit_cursor(std::string cursor) {
  state_.cursor = std::move(cursor);
  if (const auto set = fields_->set_rotation(state_); !set) return store_failed(set.error());
  if (const auto done = fields_->commit(); !done) return store_failed(done.error());
  return {};
}

Rotation::Outcome Rotation::finish(std::int64_t now_unix_ms) {
  const auto swapped = fields_->set_key_check(KeyCheck::make(*to_, now_unix_ms));
  if (!swapped) return store_failed(swapped.error());
  if (const auto ended = fields_->set_rotation(std::nullopt); !ended)
    return store_failed(ended.error());
  if (const auto done = fields_->commit(); !done) return store_failed(done.error());
  return {};
}

}  // namespace

std::expected<RotationReport, RotationFailure> rotate(const MasterKey& from, const MasterKey& to,
                                                      std::int64_t now_unix_ms,
                                                      SealedFields& fields) {
  Rotation rotation(from, to, fields);
  if (auto begun = rotation.begin(); !begun) return std::unexpected(begun.error());
  if (rotation.report.was_done) return rotation.report;
  for (;;) {
    if (auto done = rotation.reseal_all(); !done) return std::unexpected(done.error());
    // Fields may have come in front of the cursor while the rotation was interrupted.
    const auto all_new = rotation.verify_all();
    if (!all_new) return std::unexpected(all_new.error());
    if (*all_new) break;
    if (auto again = rotation.start_over(); !again) return std::unexpected(again.error());
  }
  if (auto done = rotation.finish(now_unix_ms); !done) return std::unexpected(done.error());
  return rotation.report;
}

std::string encode_rotation_state(const RotationState& state) {
  std::string out(1, kStateVersion);
  out.append(state.from.bytes.data(), kIdBytes).append(state.to.bytes.data(), kIdBytes);
  return out + state.cursor;
}

std::optional<RotationState> parse_rotation_state(std::string_view bytes) {
  if (bytes.size() < 1 + 2 * kIdBytes || bytes[0] != kStateVersion) return std::nullopt;
  RotationState state;
  std::ranges::copy(bytes.substr(1, kIdBytes), state.from.bytes.begin());
  std::ranges::copy(bytes.substr(1 + kIdBytes, kIdBytes), state.to.bytes.begin());
  state.cursor = bytes.substr(1 + 2 * kIdBytes);
  return state;
}

std::string unfinished_rotation_text(const RotationState& state, std::string_view database) {
  std::string out(database);
  out += ": a change of the master key from " + state.from.text() + " to " + state.to.text() +
         " has begun and not ended: some keys are sealed under the one, some under the other.\n";
  out +=
      "  To mend it: rotate again with the same two keys (docs/KEYS.md); it goes on where it "
      "stopped.\n";
  return out + "  Nothing was changed in the database.\n";
}

}  // namespace sluice
