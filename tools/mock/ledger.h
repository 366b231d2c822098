#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// MockExchange - one request in the ledger. Instants are microseconds since 1970, 0 when they have
// not happened.
struct MockExchange {
  std::uint64_t id = 0;
  std::uint64_t connection = 0;
  std::string key, method, target, model;
  std::string request_id;  // x-request-id, "" without
  bool stream = false;
  std::int64_t head_us = 0;      // the head was read
  std::int64_t read_us = 0;      // the whole request was read
  std::int64_t answered_us = 0;  // the answer's head was sent
  std::int64_t ended_us = 0;
  int status = 0;  // 0: no head was sent
  int rule = -1;   // of the script
  std::uint64_t request_body_bytes = 0;
  std::uint64_t answer_bytes = 0;
  bool client_left = false;
  bool complete = false;
  std::string refused;  // the rule that the request itself broke
};

// KeptRequest - a request as it arrived, for tests that look at every byte.
struct KeptRequest {
  std::uint64_t id = 0;
  std::string key, head, body;
};

// Ledger - what the provider has seen, in the order of the heads.
//
// Affinity  any thread: a mutex guards it. The mock is no gateway; tests read while shards write.
// Limits    `entries_max` exchanges, later ones are only counted; the last kKeptMax requests whole,
//           bodies up to kKeptBodyBytesMax.
class Ledger {
 public:
  static constexpr std::size_t kKeptMax = 256;
  static constexpr std::size_t kKeptBodyBytesMax = 1u << 20;

  explicit Ledger(std::size_t entries_max) : entries_max_(entries_max) {}

  // A head was read. Returns the exchange's id, counted from 1, also across resets.
  std::uint64_t begin(MockExchange exchange);
  // The whole request was read.
  void read(std::uint64_t id, std::int64_t unix_us, std::string_view model, bool stream,
            KeptRequest request);
  void answered(std::uint64_t id, std::int64_t unix_us, int status);

  struct End {
    std::int64_t unix_us = 0;
    std::uint64_t answer_bytes = 0;
    bool client_left = false;
    bool complete = false;
  };
  void end(std::uint64_t id, const End& end);
  // Members that are known in between.
  void note_rule(std::uint64_t id, int rule);
  void note_refused(std::uint64_t id, std::string_view rule);

  // Returns the connection's number, counted from 1, also across resets.
  std::uint64_t connection_opened();
  void connection_closed();

  struct Filter {
    std::optional<std::string> key;
    std::uint64_t since = 0;  // ids above it
  };
  [[nodiscard]] std::vector<MockExchange> exchanges(const Filter& filter) const;
  // The newest first.
  [[nodiscard]] std::vector<KeptRequest> latest(std::size_t count,
                                                const std::optional<std::string>& key) const;
  struct Counts {
    std::uint64_t requests = 0, dropped = 0, in_flight = 0;
    std::uint64_t connections = 0, connections_open = 0;
    std::map<std::string, std::uint64_t> by_key;
    std::map<int, std::uint64_t> by_status;
  };
  [[nodiscard]] Counts counts() const;

  // Forgets all exchanges and counts, not the ids and what is in flight.
  void reset();

 private:
  [[nodiscard]] MockExchange* find(std::uint64_t id);

  mutable std::mutex mutex_;
  std::size_t entries_max_;
  std::uint64_t next_id_ = 1;
  std::uint64_t next_connection_ = 1;
  std::uint64_t first_id_ = 1;  // of exchanges_; they stand without gaps
  std::vector<MockExchange> exchanges_;
  std::deque<KeptRequest> kept_;
  Counts counts_;
};

}  // namespace sluice
