#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/secret.h"
#include "engine/route/client_spending.h"
#include "engine/route/client_state.h"
#include "engine/route/label_names.h"
#include "engine/route/priority.h"
#include "engine/route/take.h"
#include "parser/ip_reach.h"

namespace sluice {

class AccountState;

enum class Pool : std::uint8_t { kPrimary, kFallback };
[[nodiscard]] constexpr std::string_view pool_text(Pool pool) noexcept {
  return pool == Pool::kPrimary ? "primary" : "fallback";
}
enum class Dialect : std::uint8_t { kOpenAi, kAnthropic };

// Endpoint - where an account's provider listens, taken apart once at start from its base URL.
struct Endpoint {
  bool tls = false;
  std::string host;  // without brackets, lower case
  std::uint16_t port = 0;
  std::string base_path;  // "" or "/v1": begins with '/', does not end with one
  std::string authority;  // what Host carries: the port is left out when it is the scheme's own
  std::string ca_file;    // "" : the system store
  Reach reach = Reach::kAny;
};

// Price - of a million tokens, in millionths of a dollar: what one token costs, in 10^-12 dollars.
struct Price {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  std::uint64_t cached_read = 0;   // of those input tokens that the provider had in its cache
  std::uint64_t cached_write = 0;  // of those that it put there
  bool told = false;               // by somebody, though it may all be 0: it is free then

  [[nodiscard]] bool known() const noexcept {
    return told || input + output + cached_read + cached_write > 0;
  }
};

// ModelMapping - how one canonical model is called at this account's provider.
struct ModelMapping {
  std::string canonical;
  std::string native;
  Price cost = {};  // not known(): as the account's
};

struct AccountTimeouts {
  Duration connect = 5s;       // TCP connect and TLS handshake together, per try
  Duration first_byte = 300s;  // from the last request byte to the first response byte
  Duration first_token = 0s;   // from there to the first byte of a stream's events; 0: no limit
  Duration idle = 120s;        // between two reads of a response body
  Duration total = 1h;         // the whole exchange with this account
};

// Account - one provider key with its limits. Filled by the configuration, completed by
// finish_directory(), immutable from then on; part of a Directory.
struct Account {
  std::string name;  // unique; what x-sluice-account and the logs say
  Pool pool = Pool::kPrimary;
  Dialect dialect = Dialect::kOpenAi;
  bool enabled = true;
  Endpoint endpoint;
  Secret api_key;
  std::uint32_t rpm_limit = 40;  // requests per `window`
  Duration window = 60s;
  BucketShape bucket = BucketShape::kRolling;
  std::uint32_t tpm_limit = 0;         // tokens per `window`; 0: no limit
  std::uint32_t rpd_limit = 0;         // requests per 24 h; 0: no limit
  std::uint32_t concurrent_limit = 0;  // requests at once; 0: no limit
  bool learn_limits = false;           // from the fields of the provider's answers
  bool emergency = false;  // a part of rpm_limit is kept for the time when nothing else is free
  Price cost;
  std::uint32_t weight = 1;          // multiplies the account's share under the weighted strategy
  std::string model_prefix;          // "nvidia/": matched and stripped; "" when there is none
  std::vector<ModelMapping> models;  // empty, and no prefix: every model under its own name
  AccountTimeouts timeouts;
  bool send_via = true;  // HTTP_RULES F10

  // Set by finish_directory(): `models` sorted by canonical name, and these.
  std::shared_ptr<AccountState> state;  // the same object in all directories with this account
  std::uint32_t generation = 1;         // grows when the account may be another to its provider
  Label label = LabelNames::kNone;      // its name's, in Directory::labels

  // The name under which this account's provider knows `model`, or nothing when it does not serve
  // it: a mapping first, then the prefix; an account with neither serves every model. A view into
  // this account or into `model`.
  [[nodiscard]] std::optional<std::string_view> native_model(std::string_view model) const noexcept;
  // What `model` costs here: its mapping's price, else the account's, which may be unknown too.
  [[nodiscard]] const Price& price_of(std::string_view model) const noexcept;

 private:
  [[nodiscard]] const ModelMapping* mapping_of(std::string_view model) const noexcept;
};

// ClientKey - one key of our own clients; only its SHA-256 is kept.
struct ClientKey {
  std::string name;
  std::uint8_t sha256[32] = {};
  std::vector<std::string> models;            // sorted by finish_directory(); empty: every model
  Priority priority = Priority::kNormal;      // of requests without X-Priority
  Priority priority_max = Priority::kUrgent;  // what its requests get at most
  ClientLimits limits;
  ClientBudget budget;
  // Set by finish_directory(); the same objects in all directories with a key of this name.
  std::shared_ptr<ClientState> state;  // null without limits
  std::shared_ptr<ClientSpending> spending;
};

}  // namespace sluice
