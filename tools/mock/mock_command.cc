#include "tools/mock/mock_command.h"

#include <pthread.h>
#include <signal.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "base/units.h"
#include "engine/net/port_probe.h"
#include "parser/listen_address.h"
#include "tools/mock/mock_provider.h"

namespace sluice {
namespace {

struct CommandFault {
  int exit_code;
  std::string message;
};

template <class Value>
Value value_or_fault(std::expected<Value, std::string> read) {
  if (!read) throw CommandFault{EX_USAGE, read.error()};
  return std::move(*read);
}

void apply_or_fault(Behaviour& behaviour, std::string_view name, std::string_view value) {
  if (const auto fault = apply_directive(behaviour, name, value)) {
    throw CommandFault{EX_USAGE, *fault};
  }
}

// The options first, the script file over them.
MockScript script_of(const MockCommand& command) {
  MockScript script;
  script.seed = command.seed;
  if (!command.keep_alive.empty()) {
    const std::optional<Duration> keep_alive = parse_duration(command.keep_alive);
    if (!keep_alive) throw CommandFault{EX_USAGE, "--keep-alive takes a duration such as 75s"};
    script.keep_alive = *keep_alive;
  }
  apply_or_fault(script.defaults, "latency", command.latency);
  apply_or_fault(script.defaults, "tokens", command.tokens);
  apply_or_fault(script.defaults, "tokens-per-second", command.tokens_per_second);
  for (const std::string& list : command.behaviours) {
    if (const auto fault = apply_directives(script.defaults, list)) {
      throw CommandFault{EX_USAGE, *fault};
    }
  }
  for (const std::string& text : command.error_rates) {
    script.error_rates.push_back(value_or_fault(parse_error_rate(text)));
  }
  for (const std::string& text : command.key_limits) {
    script.limits.push_back(value_or_fault(parse_key_limit(text)));
  }
  if (command.script_file.empty()) return script;
  std::ifstream file(command.script_file, std::ios::binary);
  if (!file) throw CommandFault{EX_NOINPUT, "cannot read " + command.script_file};
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::expected<MockScript, std::string> read = parse_script(text, script);
  if (!read) throw CommandFault{EX_DATAERR, command.script_file + ", " + read.error()};
  return std::move(*read);
}

MockOptions options_of(const MockCommand& command) {
  if (command.certificate_file.empty() != command.key_file.empty()) {
    throw CommandFault{EX_USAGE, "--tls-certificate and --tls-key belong together"};
  }
  if (const auto address = parse_listen_address(command.listen); !address) {
    throw CommandFault{EX_USAGE, "--listen: " + listen_refusal(command.listen, address.error())};
  }
  return {.listen = command.listen,
          .shards = command.shards,
          .certificate_file = command.certificate_file,
          .key_file = command.key_file,
          .script = script_of(command),
          .ledger_max = command.ledger_max};
}

// Blocks SIGTERM and SIGINT for this thread and those that it starts.
sigset_t block_signals() {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  return ends;
}

}  // namespace

void add_mock_options(CLI::App& app, MockCommand& command) {
  app.add_option("--listen", command.listen, "address and port; port 0: any free one")
      ->capture_default_str();
  app.add_option("--script", command.script_file, "what to answer (YAML)");
  app.add_option("--shards", command.shards, "threads that serve")->capture_default_str();
  app.add_option("--tls-certificate", command.certificate_file, "PEM file: serve HTTPS");
  app.add_option("--tls-key", command.key_file, "PEM file of its key");
  app.add_option("--latency", command.latency, "before every answer")->capture_default_str();
  app.add_option("--tokens", command.tokens, "words of an answer")->capture_default_str();
  app.add_option("--tokens-per-second", command.tokens_per_second,
                 "pace of streams; 0: as fast as they go")
      ->capture_default_str();
  app.add_option("--behaviour", command.behaviours,
                 "directives for every answer, \"status=429;retry-after=2\"");
  app.add_option("--error-rate", command.error_rates, "share of failures, 500=0.1");
  app.add_option("--key-limit", command.key_limits,
                 "sk-test-a=40/60s, /fixed for windows of the clock");
  app.add_option("--keep-alive", command.keep_alive, "an idle connection is closed after that");
  app.add_option("--seed", command.seed, "of everything random")->capture_default_str();
  app.add_option("--ledger-max", command.ledger_max, "requests remembered; 0: none")
      ->capture_default_str();
}

int run_mock(const MockCommand& command) {
  try {
    MockOptions options = options_of(command);
    const sigset_t ends = block_signals();
    if (const auto listen = parse_listen_address(options.listen)) {
      if (const auto taken = taken_port(*listen)) throw CommandFault{EX_OSERR, *taken};
    }
    MockProvider provider;
    const std::expected<std::uint16_t, std::string> port = provider.start(std::move(options));
    if (!port) throw CommandFault{EX_UNAVAILABLE, port.error()};
    std::printf("sluice mock: listening on %s\n", provider.url().c_str());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
    provider.stop();
    return EX_OK;
  } catch (const CommandFault& fault) {
    std::fprintf(stderr, "sluice mock: %s\n", fault.message.c_str());
    return fault.exit_code;
  }
}

}  // namespace sluice
