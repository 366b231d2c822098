#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/rate.h"
#include "store/tables.h"

namespace sluice {

// What the administrator keeps: accounts, client keys, prices, settings. All texts are UTF-8, all
// times milliseconds since 1970 (0: never).

inline constexpr std::size_t kStoredNameBytesMax = 256;  // of names, models and settings' keys

// StoredMapping - one entry of an account's model_mappings.
struct StoredMapping {
  std::string canonical;
  std::string native_id;
  bool reasoning = false;
  std::string reasoning_effort = {};               // "": not set
  std::vector<std::string> input_modalities = {};  // "text", "image"
  ModelRate cost = {};
  std::uint64_t context_window = 128'000;  // tokens
  std::uint64_t max_tokens = 65'536;
  std::string compat = {};  // JSON as it came, "" when there is none

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.canonical, row.native_id, row.reasoning, row.reasoning_effort, row.input_modalities,
          row.cost, row.context_window, row.max_tokens, row.compat);
  }
  friend bool operator==(const StoredMapping&, const StoredMapping&) = default;
};

// Where an account comes from. Those of the configuration file are not kept here.
enum class AccountSource : std::uint8_t { kWebui, kEnv, kImport, kLast = kImport };
enum class StoredPool : std::uint8_t { kPrimary, kFallback, kLast = kFallback };
// What outlives a restart; cooling does not.
enum class StoredStatus : std::uint8_t { kHealthy, kError, kLast = kError };

enum class StoredBucket : std::uint8_t { kRolling, kSteady, kLast = kSteady };

// StoredAccount - what the REST API calls a backend. Its id, "bkd_" and 12 hexadecimal digits, is
// the key.
struct StoredAccount {
  static constexpr std::uint8_t kVersion = 3;
  static constexpr std::uint8_t kSecondVersion = 2;  // without what added_later() names
  static constexpr std::uint8_t kFormerVersion = 1;  // nor what added() does
  static constexpr Table kTable = Table::kAccounts;

  // Bits of `unsaid`.
  static constexpr std::uint32_t kTimeout = 1, kIdle = 2, kRpm = 4, kTpm = 8, kRpd = 16,
                                 kConcurrent = 32;

  std::string id;
  std::string name;  // unique; 1 to kStoredNameBytesMax bytes
  std::string label;
  std::string api_base_url;
  std::string api = "openai-completions";
  std::string api_key_sealed;      // ciphertext of the vault; never in clear
  std::uint64_t key_revision = 1;  // one more with each other key
  std::uint64_t timeout_ms = 120'000;
  std::uint32_t rpm_limit = 40;
  std::uint32_t tpm_limit = 0;         // 0: no limit, as the next two
  std::uint32_t rpd_limit = 0;         // requests a day
  std::uint32_t concurrent_limit = 0;  // requests at once
  std::uint32_t weight = 1;
  StoredPool pool = StoredPool::kPrimary;
  bool enabled = true;
  bool emergency = false;
  StoredStatus status = StoredStatus::kHealthy;
  AccountSource source = AccountSource::kWebui;
  std::string model_prefix;
  std::vector<StoredMapping> models;
  ModelRate cost;  // of all its models, where the mapping has none
  // Nothing: the default of the configuration.
  std::optional<std::uint64_t> window_ms, connect_ms, first_token_ms, idle_ms, total_ms;
  std::optional<StoredBucket> bucket;
  std::optional<bool> learn_limits;
  bool send_via = true;
  std::string ca_file;
  std::string metadata;  // JSON as it came, "" when there is none
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  // Who gave its address came over the network: it reaches no private ones, unless the
  // configuration says so (admin.private_upstreams).
  bool public_only = false;
  // Values that it does not say itself: the configuration's hold, as they are at the time. What is
  // in their place is what they were when it was written. Earlier versions kept all as their own.
  std::uint32_t unsaid = 0;

  // The id is in the key alone.
  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.name, row.label, row.api_base_url, row.api, row.api_key_sealed, row.key_revision,
          row.timeout_ms, row.rpm_limit, row.tpm_limit, row.rpd_limit, row.concurrent_limit,
          row.weight, row.pool, row.enabled, row.emergency, row.status, row.source,
          row.model_prefix, row.models, row.cost, row.window_ms, row.connect_ms, row.first_token_ms,
          row.idle_ms, row.total_ms, row.bucket, row.learn_limits, row.send_via, row.ca_file,
          row.metadata, row.created_ms, row.updated_ms);
  }
  template <class R, class Visitor>
  static void added(R& row, Visitor& visit) {
    visit(row.public_only);
  }
  template <class R, class Visitor>
  static void added_later(R& row, Visitor& visit) {
    visit(row.unsaid);
  }
  friend bool operator==(const StoredAccount&, const StoredAccount&) = default;
};

enum class StoredPriority : std::uint8_t { kUrgent, kHigh, kNormal, kLow, kLast = kLow };
enum class StoredPeriod : std::uint8_t { kDay, kMonth, kTotal, kLast = kTotal };

// StoredClientKey - one key of our own clients. Its name is the key; of the secret only the
// SHA-256 is kept.
struct StoredClientKey {
  static constexpr std::uint8_t kVersion = 3;
  static constexpr std::uint8_t kSecondVersion = 2;  // without what added_later() names
  static constexpr std::uint8_t kFormerVersion = 1;  // nor what added() does
  static constexpr Table kTable = Table::kClientKeys;

  std::string name;
  std::array<std::uint8_t, 32> sha256{};
  std::uint32_t rpm_limit = 0;  // 0: no limit, as the next two
  std::uint32_t tpm_limit = 0;
  std::uint32_t concurrent_limit = 0;
  std::vector<std::string> models;  // empty: every model
  StoredPriority priority = StoredPriority::kNormal;
  std::int64_t created_ms = 0;
  std::int64_t revoked_ms = 0;  // 0: valid
  StoredPriority priority_max = StoredPriority::kUrgent;
  std::uint64_t budget_nano_dollars = 0;  // 0: no budget
  StoredPeriod budget_period = StoredPeriod::kMonth;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.sha256, row.rpm_limit, row.tpm_limit, row.concurrent_limit, row.models, row.priority,
          row.created_ms, row.revoked_ms);
  }
  template <class R, class Visitor>
  static void added(R& row, Visitor& visit) {
    visit(row.priority_max);
  }
  template <class R, class Visitor>
  static void added_later(R& row, Visitor& visit) {
    visit(row.budget_nano_dollars, row.budget_period);
  }
  friend bool operator==(const StoredClientKey&, const StoredClientKey&) = default;
};

// StoredSetting - one entry of system_config, by its key.
struct StoredSetting {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kConfig;

  std::string key = {};
  std::string value = {};
  std::string description = {};
  std::int64_t updated_ms = 0;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.value, row.description, row.updated_ms);
  }
  friend bool operator==(const StoredSetting&, const StoredSetting&) = default;
};

// StoredPrice - what a model costs from an instant on, until the next price of that model.
struct StoredPrice {
  static constexpr std::uint8_t kVersion = 1;
  static constexpr Table kTable = Table::kPrices;

  std::string model;
  std::int64_t valid_from_ms = 0;
  ModelRate rate;

  template <class R, class Visitor>
  static void fields(R& row, Visitor& visit) {
    visit(row.rate);
  }
  friend bool operator==(const StoredPrice&, const StoredPrice&) = default;
};

}  // namespace sluice
