#include "engine/proxy/decision_log.h"

#include <algorithm>
#include <cstring>
#include <span>

namespace sluice {
namespace {

constexpr std::size_t kIdMax = 128;
constexpr std::size_t kModelMax = 128;
constexpr std::size_t kNameMax = 64;

// What stands at the begin of a record; texts, rows, the first decision, steps and the other
// decisions follow.
struct Head {
  std::int64_t unix_ms;
  std::uint32_t queue_us;
  std::uint16_t status;
  std::uint16_t steps_dropped;
  std::uint8_t priority, strategy, steps, decisions, rows, id_bytes, model_bytes, client_bytes;
};
struct StepHead {
  std::uint32_t at_us, took_us;
  std::uint16_t status;
  std::uint8_t kind, rung, outcome, name_bytes;
};

// Fill - bytes put one behind the other. What does not fit is not put.
class Fill {
 public:
  explicit Fill(std::span<char> room) : room_(room) {}
  void put(const void* from, std::size_t bytes) noexcept {
    std::memcpy(room_.data() + used_, from, bytes);
    used_ += bytes;
  }
  void put(std::string_view text) noexcept {
    if (!text.empty()) put(text.data(), text.size());
  }
  [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
    return bytes <= room_.size() - used_;
  }
  [[nodiscard]] std::size_t used() const noexcept { return used_; }

 private:
  std::span<char> room_;
  std::size_t used_ = 0;
};

// Take - the same, read.
class TakeBytes {
 public:
  explicit TakeBytes(const char* at) : at_(at) {}
  template <class T>
  [[nodiscard]] T get() noexcept {
    T value;
    std::memcpy(&value, at_, sizeof(value));
    at_ += sizeof(value);
    return value;
  }
  [[nodiscard]] std::string_view text(std::size_t bytes) noexcept {
    const std::string_view text(at_, bytes);
    at_ += bytes;
    return text;
  }

 private:
  const char* at_;
};

// A decision with what it had before it; false, and nothing of it, when it does not fit.
bool put_looks(Fill& fill, const DecisionLooks& looks, const DecisionLooks::Decision& decision) {
  const std::span<const CandidateLook> seen = looks.looks_of(decision);
  if (!fill.fits(sizeof(decision) + seen.size_bytes())) return false;
  fill.put(&decision, sizeof(decision));
  fill.put(seen.data(), seen.size_bytes());
  return true;
}

// How many fit of the steps.
std::size_t put_steps(Fill& fill, const DecisionTrail& trail) {
  std::size_t put = 0;
  for (const DecisionStep& step : trail.steps.values()) {
    const std::string_view name =
        step.account == nullptr ? "" : std::string_view(step.account->name).substr(0, kNameMax);
    if (!fill.fits(sizeof(StepHead) + name.size())) return put;
    const StepHead head{.at_us = step.at_us,
                        .took_us = step.took_us,
                        .status = step.status,
                        .kind = static_cast<std::uint8_t>(step.kind),
                        .rung = static_cast<std::uint8_t>(step.rung),
                        .outcome = static_cast<std::uint8_t>(step.outcome),
                        .name_bytes = static_cast<std::uint8_t>(name.size())};
    fill.put(&head, sizeof(head));
    fill.put(name);
    ++put;
  }
  return put;
}

KeptDecision::Looks take_looks(TakeBytes& take) {
  KeptDecision::Looks looks{.decision = take.get<DecisionLooks::Decision>(), .candidates = {}};
  for (int i = 0; i < looks.decision.looks; ++i)
    looks.candidates.push_back(take.get<CandidateLook>());
  return looks;
}

KeptDecision decode(const char* bytes) {
  TakeBytes take(bytes);
  const Head head = take.get<Head>();
  KeptDecision kept;
  kept.decision = {.unix_ms = head.unix_ms,
                   .request_id = {},
                   .model = {},
                   .client = {},
                   .priority = static_cast<Priority>(head.priority),
                   .strategy = static_cast<Strategy>(head.strategy),
                   .status = head.status,
                   .queue_us = head.queue_us};
  kept.request_id = take.text(head.id_bytes);
  kept.model = take.text(head.model_bytes);
  kept.client = take.text(head.client_bytes);
  for (int i = 0; i < head.rows; ++i) kept.rows.push_back(take.get<DecisionRow>());
  kept.steps_dropped = head.steps_dropped;
  if (head.decisions > 0) kept.looks.push_back(take_looks(take));
  for (int i = 0; i < head.steps; ++i) {
    const StepHead step = take.get<StepHead>();
    kept.steps.push_back({.step = {.kind = static_cast<StepKind>(step.kind),
                                   .rung = static_cast<Rung>(step.rung),
                                   .outcome = static_cast<StepOutcome>(step.outcome),
                                   .status = step.status,
                                   .at_us = step.at_us,
                                   .took_us = step.took_us},
                          .account = std::string(take.text(step.name_bytes))});
  }
  for (int i = 1; i < head.decisions; ++i) kept.looks.push_back(take_looks(take));
  return kept;
}

std::string_view id_of(const char* bytes) {
  TakeBytes take(bytes);
  const Head head = take.get<Head>();
  return take.text(head.id_bytes);
}

}  // namespace

void DecisionLog::write(const Decision& decision, const DecisionTrail& trail) noexcept {
  Bytes bytes;
  auto* const room = reinterpret_cast<char*>(bytes.data());
  Fill fill({room + sizeof(Head), sizeof(bytes) - sizeof(Head)});
  const std::string_view id = decision.request_id.substr(0, kIdMax);
  const std::string_view model = decision.model.substr(0, kModelMax);
  const std::string_view client = decision.client.substr(0, kNameMax);
  fill.put(id);
  fill.put(model);
  fill.put(client);
  fill.put(trail.rows.values().data(), trail.rows.values().size_bytes());
  std::span<const DecisionLooks::Decision> looked;
  if (trail.looks != nullptr) looked = trail.looks->decisions();
  std::size_t decisions = 0;
  if (!looked.empty()) decisions += put_looks(fill, *trail.looks, looked[0]);
  const std::size_t steps = put_steps(fill, trail);
  for (; decisions > 0 && decisions < looked.size(); ++decisions) {
    if (!put_looks(fill, *trail.looks, looked[decisions])) break;
  }
  const Head head{
      .unix_ms = decision.unix_ms,
      .queue_us = decision.queue_us,
      .status = decision.status,
      .steps_dropped = static_cast<std::uint16_t>(trail.steps_dropped + trail.steps.size() - steps),
      .priority = static_cast<std::uint8_t>(decision.priority),
      .strategy = static_cast<std::uint8_t>(decision.strategy),
      .steps = static_cast<std::uint8_t>(steps),
      .decisions = static_cast<std::uint8_t>(decisions),
      .rows = static_cast<std::uint8_t>(trail.rows.size()),
      .id_bytes = static_cast<std::uint8_t>(id.size()),
      .model_bytes = static_cast<std::uint8_t>(model.size()),
      .client_bytes = static_cast<std::uint8_t>(client.size())};
  std::memcpy(room, &head, sizeof(head));
  const std::uint64_t number = written_.load(std::memory_order_relaxed);
  Record& record = records_[number % kRecords];
  if (number < kRecords) std::construct_at(&record);
  const std::uint64_t version = record.version.load(std::memory_order_relaxed);
  record.version.store(version + 1, std::memory_order_relaxed);
  // Released word by word: who reads one of these sees the odd version, too.
  const std::size_t words = (sizeof(Head) + fill.used() + 7) / 8;
  for (std::size_t i = 0; i < words; ++i)
    record.words[i].store(bytes[i], std::memory_order_release);
  record.version.store(version + 2, std::memory_order_release);
  written_.store(number + 1, std::memory_order_release);
  fetch(records_[(number + 1) % kRecords]);
}

// The next record's lines are far away by the time they are written: 2 MiB pass in between.
void DecisionLog::fetch(const Record& record) noexcept {
  constexpr std::size_t kLineBytes = 64;
  constexpr std::size_t kUsualBytes = 384;  // of an ordinary request among a dozen accounts
  const auto* const bytes = reinterpret_cast<const char*>(&record);
  for (std::size_t at = 0; at < kUsualBytes; at += kLineBytes) __builtin_prefetch(bytes + at, 1);
}

bool DecisionLog::read(const Record& record, Bytes& out) noexcept {
  constexpr int kTries = 8;  // a record is overwritten once in kRecords requests
  for (int i = 0; i < kTries; ++i) {
    const std::uint64_t before = record.version.load(std::memory_order_acquire);
    if (before == 0) return false;
    for (std::size_t word = 0; word < kWords; ++word)
      out[word] = record.words[word].load(std::memory_order_acquire);
    if (before % 2 == 0 && record.version.load(std::memory_order_relaxed) == before) return true;
  }
  return false;
}

std::optional<KeptDecision> DecisionLog::find(std::string_view request_id,
                                              std::optional<DecisionRow> row) const {
  const std::string_view wanted = request_id.substr(0, kIdMax);
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  Bytes bytes;
  for (std::uint64_t back = 1; back <= std::min<std::uint64_t>(written, kRecords); ++back) {
    if (!read(records_[(written - back) % kRecords], bytes)) continue;
    const auto* const text = reinterpret_cast<const char*>(bytes.data());
    if (id_of(text) != wanted) continue;
    KeptDecision kept = decode(text);
    if (!row || std::ranges::find(kept.rows, *row) != kept.rows.end()) return kept;
  }
  return std::nullopt;
}

}  // namespace sluice
