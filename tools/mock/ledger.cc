#include "tools/mock/ledger.h"

#include <algorithm>

namespace sluice {

std::uint64_t Ledger::begin(MockExchange exchange) {
  const std::lock_guard lock(mutex_);
  exchange.id = next_id_++;
  ++counts_.requests;
  ++counts_.in_flight;
  ++counts_.by_key[exchange.key];
  const std::uint64_t id = exchange.id;
  // Without gaps: once one was dropped, all later ones are.
  if (counts_.dropped == 0 && exchanges_.size() < entries_max_) {
    exchanges_.push_back(std::move(exchange));
  } else {
    ++counts_.dropped;
  }
  return id;
}

void Ledger::read(std::uint64_t id, std::int64_t unix_us, std::string_view model, bool stream,
                  KeptRequest request) {
  const std::lock_guard lock(mutex_);
  if (MockExchange* const exchange = find(id)) {
    exchange->read_us = unix_us;
    exchange->model = model;
    exchange->stream = stream;
    exchange->request_body_bytes = request.body.size();
  }
  if (id < first_id_ || entries_max_ == 0) return;
  request.id = id;
  if (request.body.size() > kKeptBodyBytesMax) request.body.resize(kKeptBodyBytesMax);
  kept_.push_back(std::move(request));
  if (kept_.size() > kKeptMax) kept_.pop_front();
}

void Ledger::answered(std::uint64_t id, std::int64_t unix_us, int status) {
  const std::lock_guard lock(mutex_);
  if (id >= first_id_) ++counts_.by_status[status];
  if (MockExchange* const exchange = find(id)) {
    exchange->answered_us = unix_us;
    exchange->status = status;
  }
}

void Ledger::end(std::uint64_t id, const End& end) {
  const std::lock_guard lock(mutex_);
  --counts_.in_flight;
  if (MockExchange* const exchange = find(id)) {
    exchange->ended_us = end.unix_us;
    exchange->answer_bytes = end.answer_bytes;
    exchange->client_left = end.client_left;
    exchange->complete = end.complete;
  }
}

void Ledger::note_rule(std::uint64_t id, int rule) {
  const std::lock_guard lock(mutex_);
  if (MockExchange* const exchange = find(id)) exchange->rule = rule;
}

void Ledger::note_refused(std::uint64_t id, std::string_view rule) {
  const std::lock_guard lock(mutex_);
  if (MockExchange* const exchange = find(id)) exchange->refused = rule;
}

std::uint64_t Ledger::connection_opened() {
  const std::lock_guard lock(mutex_);
  ++counts_.connections;
  ++counts_.connections_open;
  return next_connection_++;
}

void Ledger::connection_closed() {
  const std::lock_guard lock(mutex_);
  --counts_.connections_open;
}

std::vector<MockExchange> Ledger::exchanges(const Filter& filter) const {
  const std::lock_guard lock(mutex_);
  std::vector<MockExchange> found;
  for (const MockExchange& exchange : exchanges_) {
    if (exchange.id <= filter.since) continue;
    if (!filter.key || *filter.key == exchange.key) found.push_back(exchange);
  }
  return found;
}

std::vector<KeptRequest> Ledger::latest(std::size_t count,
                                        const std::optional<std::string>& key) const {
  const std::lock_guard lock(mutex_);
  std::vector<KeptRequest> found;
  for (auto at = kept_.rbegin(); at != kept_.rend() && found.size() < count; ++at) {
    if (!key || *key == at->key) found.push_back(*at);
  }
  return found;
}

Ledger::Counts Ledger::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Ledger::reset() {
  const std::lock_guard lock(mutex_);
  first_id_ = next_id_;
  exchanges_.clear();
  kept_.clear();
  Counts fresh;
  fresh.in_flight = counts_.in_flight;
  fresh.connections_open = counts_.connections_open;
  counts_ = std::move(fresh);
}

MockExchange* Ledger::find(std::uint64_t id) {
  if (id < first_id_ || id - first_id_ >= exchanges_.size()) return nullptr;
  return &exchanges_[id - first_id_];
}

}  // namespace sluice
