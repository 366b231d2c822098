#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/proxy/body_decoder.h"
#include "parser/http1_response.h"
#include "tests/sim/kernel/sim_exchange.h"
#include "tests/sim/kernel/sim_peer.h"

namespace sluice {

// SimAnswer - one final answer as a client has got it.
struct SimAnswer {
  int status = 0;
  std::string request_id;
  std::string error_source;  // x-sluice-error-source
  std::string body;
  bool close = false;        // it announced the end of the connection
  bool until_close = false;  // its body ends with the connection
  bool complete = false;
  Instant began{};
  Instant ended{};
};

// SimAnswerReader - takes a connection's bytes apart into answers.
class SimAnswerReader {
 public:
  // `in` in whatever pieces. False when it is no HTTP.
  [[nodiscard]] bool feed(std::string_view in, Instant now);
  void end(Instant now);  // the connection has ended in order

  [[nodiscard]] const std::vector<SimAnswer>& answers() const { return answers_; }
  [[nodiscard]] std::size_t complete() const { return complete_; }
  [[nodiscard]] bool between_answers() const { return !decoder_ && text_.empty(); }
  [[nodiscard]] std::size_t interims() const { return interims_; }

 private:
  [[nodiscard]] bool begin_answer(Instant now);
  std::string text_;  // not yet understood
  std::vector<SimAnswer> answers_;
  std::optional<BodyDecoder> decoder_;  // of the last answer, while it comes
  std::size_t complete_ = 0;
  std::size_t interims_ = 0;
};

// SimClient - one client connection: asks its requests one after the other or all at once, and
// perhaps misbehaves.
class SimClient final : public SimPeer {
 public:
  struct Plan {
    std::vector<SimExchange*> requests;
    bool pipelined = false;
    bool stays = false;  // leaves the connection to the gateway to close
    // How it misbehaves, after so many bytes of answers or after so long.
    Then leaves = Then::kGoOn;
    std::size_t leaves_after_bytes = 0;
    Duration leaves_after = Duration::max();
  };
  SimClient(SimNet& net, std::uint64_t seed, Plan plan)
      : SimPeer(net, seed), plan_(std::move(plan)) {}

  void start(const std::string& address, Duration wait);

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const SimAnswerReader& reader() const { return reader_; }
  // Nothing more comes of this client.
  [[nodiscard]] bool finished() const { return finished_; }
  [[nodiscard]] bool has_left() const { return has_left_; }  // before it had everything
  [[nodiscard]] bool refused() const { return refused_; }    // never connected
  [[nodiscard]] bool garbled() const { return garbled_; }
  [[nodiscard]] bool was_reset() const { return was_reset_; }
  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  void ask();
  void leave();
  void on_bytes(std::string_view bytes) override;
  void on_end(bool reset) override;

  Plan plan_;
  SimAnswerReader reader_;
  std::size_t asked_ = 0;
  std::size_t received_ = 0;
  bool finished_ = false;
  bool has_left_ = false;
  bool refused_ = false;
  bool garbled_ = false;
  bool was_reset_ = false;
};

}  // namespace sluice
