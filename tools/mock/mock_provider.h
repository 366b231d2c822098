#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/mock/ledger.h"
#include "tools/mock/script.h"

namespace sluice {

struct MockOptions {
  std::string listen = "127.0.0.1:0";  // as parser/listen_address.h; port 0: any free one
  std::uint32_t shards = 1;
  std::string certificate_file, key_file;  // both empty: plain HTTP
  MockScript script;
  std::size_t ledger_max = 1'000'000;
};

// MockProvider - an LLM provider that does what its script says, on shards and threads of its own.
//
// Owns      its threads, rings and sockets.
// Affinity  any thread, one at a time; ledger(), latest(), counts() and set_script() any time.
// Lifetime  stop() joins the threads; the destructor calls it.
class MockProvider {
 public:
  MockProvider();
  ~MockProvider();
  MockProvider(const MockProvider&) = delete;
  MockProvider& operator=(const MockProvider&) = delete;

  // Listens and serves. Returns the port, or a sentence on what failed.
  [[nodiscard]] std::expected<std::uint16_t, std::string> start(MockOptions options);
  // Cuts all connections and waits for the threads.
  void stop();

  // "http://127.0.0.1:8001", after start().
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

  [[nodiscard]] std::expected<void, std::string> set_script(std::string_view text);
  [[nodiscard]] std::vector<MockExchange> ledger(const Ledger::Filter& filter = {}) const;
  [[nodiscard]] std::vector<KeptRequest> latest(std::size_t count = 1) const;
  [[nodiscard]] Ledger::Counts counts() const;
  void reset_ledger();

 private:
  struct Running;
  std::unique_ptr<Running> running_;
  std::string url_;
};

}  // namespace sluice
