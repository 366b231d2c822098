#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sysexits.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <cstdlib>
#include <cstring>

#include "base/draw.h"
#include "base/file_descriptor.h"
#include "base/units.h"
#include "engine/cli/commands.h"
#include "engine/config/read_file.h"
#include "engine/descriptors.h"
#include "engine/load/load_report.h"
#include "engine/route/priority.h"

namespace sluice {
namespace {

constexpr const char* kFooter = R"(
URL is a base URL, as SDKs want it (http://127.0.0.1:9190/v1), or that of an interface
(.../chat/completions, .../completions, .../responses, .../messages, .../embeddings).

Requests are sent by the schedule, whether or not earlier ones were answered (an open loop), and
latency counts from when a request was due: a stall is seen by all that were due while it lasted.
Nothing is tried again; a 429 counts as what it is. The key is that of SLUICE_BENCH_KEY or
--key-file, never of the command line, and is never printed.

Exit codes: 0 an answer came, whatever it said; 69 none did; 64 wrong command line.

Examples:
  sluice bench http://127.0.0.1:9190/v1 --model gpt-4o --rate 20/s --duration 60s
  SLUICE_BENCH_KEY=... sluice bench https://gateway.example/v1 --model gpt-4o --rate 40/m \
    --duration 10m --i-may-load-this-host
  sluice bench http://127.0.0.1:9190/v1/embeddings --body request.json --rate 100/s --json)";

constexpr std::size_t kBodyBytesMax = 64 * kMiB;
constexpr std::size_t kKeyBytesMax = 16 * kKiB;  // as long as a field of a head may be
constexpr Duration kLongest = 24h * 7;
constexpr std::uint64_t kConnectionsDefault = 1024;
constexpr std::uint64_t kConnectionsMax = 60'000;  // a host has some 64 thousand ports
constexpr std::uint64_t kDescriptorsBeside = 64;   // rings, files, name servers
constexpr std::uint64_t kMaxTokensMax = 10'000'000;
constexpr double kUnconfirmedMax = 100;  // requests to a host that may cost money

struct BenchOptions {
  RequestWish wish;
  std::string rate = "50/s", duration = "30s", timeout = "60s", prompt_bytes = "1KiB";
  std::string arrivals = "poisson", connections, key_file, body_file, ca_file;
  std::uint64_t seed = 1;
  bool stream = false, no_stream = false;
  bool confirmed = false;
  bool json = false;
  std::string clash;  // options that were given and do not go together
};

// BenchFault - why the command ends before it has begun.
struct BenchFault {
  int exit_code;
  std::string message;
};

int fail(const BenchFault& fault) {
  fmt::print(stderr, "sluice bench: {}\n", fault.message);
  return fault.exit_code;
}

BenchFault wrong(std::string_view flag, std::string_view value, std::string_view expected) {
  return {EX_USAGE, fmt::format("{}: \"{}\" is wrong; expected {}", flag, value, expected)};
}

Duration duration_of(std::string_view flag, const std::string& text) {
  const std::optional<Duration> span = parse_duration(text);
  if (!span || *span <= 0s || *span > kLongest)
    throw wrong(flag, text, "a duration like 30s or 10m, at most 7d");
  return *span;
}

std::uint64_t connections_of(const std::string& text) {
  const std::uint64_t limit = raise_descriptor_limit();
  const std::uint64_t room = limit > kDescriptorsBeside ? limit - kDescriptorsBeside : 1;
  if (text.empty()) return std::min(kConnectionsDefault, room);
  const std::optional<std::uint64_t> count = parse_decimal(text);
  if (!count || *count == 0 || *count > kConnectionsMax)
    throw wrong("--connections-max", text, fmt::format("a number from 1 to {}", kConnectionsMax));
  if (*count > room)
    throw BenchFault{EX_OSERR, fmt::format("--connections-max: {} are more than this process may "
                                           "open ({}); raise the limit with ulimit -n",
                                           *count, room)};
  return *count;
}

LoadSettings settings_of(const BenchOptions& options) {
  LoadSettings settings;
  const std::optional<double> rate = parse_rate(options.rate);
  if (!rate) throw wrong("--rate", options.rate, "a rate like 50/s or 40/m, at most 1000000/s");
  settings.per_second = *rate;
  settings.duration = duration_of("--duration", options.duration);
  settings.timeout = duration_of("--timeout", options.timeout);
  if (options.arrivals != "poisson" && options.arrivals != "even")
    throw wrong("--arrivals", options.arrivals, "poisson or even");
  settings.arrivals = options.arrivals == "even" ? ArrivalPattern::kEven : ArrivalPattern::kPoisson;
  settings.connections_max = connections_of(options.connections);
  settings.seed = options.seed;
  return settings;
}

// The key of SLUICE_BENCH_KEY or of the file; empty when there is none.
Secret key_of(const BenchOptions& options) {
  Secret key;
  std::size_t size = 0;
  const char* source = "SLUICE_BENCH_KEY";
  if (options.key_file.empty()) {
    const char* const given = std::getenv(source);
    if (given == nullptr) return {};
    key = Secret(given);
    size = key.reveal().size();
  } else {
    source = options.key_file.c_str();
    const FileDescriptor file(open(source, O_RDONLY | O_CLOEXEC));
    if (!file.is_open())
      throw BenchFault{EX_NOINPUT,
                       fmt::format("--key-file: cannot read {}: {}", source, strerror(errno))};
    ssize_t got = 0;
    key = Secret::written(kKeyBytesMax + 1, [&](std::span<char> bytes) {
      while (size < bytes.size() &&
             (got = read(file.get(), bytes.data() + size, bytes.size() - size)) > 0)
        size += static_cast<std::size_t>(got);
    });
    if (got < 0) throw BenchFault{EX_NOINPUT, fmt::format("--key-file: cannot read {}", source)};
  }
  std::string_view text = key.reveal().substr(0, size);
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  if (text.empty()) throw BenchFault{EX_DATAERR, fmt::format("{}: the key is empty", source)};
  const bool plain = std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
  if (!plain || text.size() > kKeyBytesMax)
    throw BenchFault{EX_DATAERR,
                     fmt::format("{}: no key: it has blanks, other characters than ASCII's, or "
                                 "more than {} bytes",
                                 source, kKeyBytesMax)};
  return Secret(text);
}

// What is asked for; the body's file is read.
RequestWish wish_of(const BenchOptions& options) {
  RequestWish wish = options.wish;
  const auto bytes = parse_bytes(options.prompt_bytes);
  if (!bytes || *bytes > RequestShape::kPromptBytesMax)
    throw wrong("--prompt-bytes", options.prompt_bytes, "a size like 2000 or 64KiB, at most 64MiB");
  wish.prompt_bytes = *bytes;
  if (wish.max_tokens == 0 || wish.max_tokens > kMaxTokensMax)
    throw wrong("--max-tokens", std::to_string(wish.max_tokens), "a number from 1 to 10000000");
  if (!wish.priority.empty() && !priority_of(wish.priority))
    throw wrong("--priority", wish.priority, "urgent, high, normal or low");
  wish.stream = !options.no_stream;
  if (options.body_file.empty()) return wish;
  auto body = read_file(options.body_file, kBodyBytesMax);
  if (!body) throw BenchFault{EX_NOINPUT, "--body: " + body.error().message};
  if (body->empty()) throw BenchFault{EX_DATAERR, "--body: " + options.body_file + " is empty"};
  wish.body = std::move(*body);
  return wish;
}

RequestShape shape_of(const BenchOptions& options, std::string_view run_id) {
  auto shape = RequestShape::make(wish_of(options), key_of(options), run_id);
  if (!shape)
    throw BenchFault{shape.error().starts_with("--body") ? EX_DATAERR : EX_USAGE, shape.error()};
  return std::move(*shape);
}

// The authorities of an https URL.
std::optional<TrustStore> trust_of(const BenchOptions& options, const RequestShape& shape) {
  const std::string& file = options.ca_file;
  if (!file.empty() && access(file.c_str(), R_OK) != 0)
    throw BenchFault{EX_NOINPUT,
                     fmt::format("--ca-file: cannot read {}: {}", file, strerror(errno))};
  if (!shape.target().tls) return {};
  auto trust = file.empty() ? TrustStore::system() : TrustStore::from_file(file);
  if (!trust) throw BenchFault{file.empty() ? EX_OSFILE : EX_DATAERR, trust.error()};
  return std::move(*trust);
}

void confirm(const BenchOptions& options, const LoadSettings& settings, const RequestShape& shape) {
  const double requests = settings.per_second * in_seconds(settings.duration);
  const std::string& host = shape.target().host;
  if (options.confirmed || requests <= kUnconfirmedMax || !may_cost_money(host)) return;
  throw BenchFault{
      EX_USAGE,
      fmt::format("about {:.0f} requests to {}, which is no address of this machine or of a "
                  "private network, may cost money or somebody else's patience; say "
                  "--i-may-load-this-host, or ask for {:.0f} requests at most",
                  requests, host, kUnconfirmedMax)};
}

std::string describe(const BenchOptions& options, const RequestShape& shape) {
  std::string text =
      options.body_file.empty()
          ? fmt::format("model {}, prompt of {}, at most {} tokens", options.wish.model,
                        options.prompt_bytes, options.wish.max_tokens)
          : fmt::format("body of {}, {} bytes", options.body_file, shape.body_bytes());
  text += shape.stream() ? ", stream" : ", no stream";
  if (!options.wish.priority.empty()) text += ", priority " + options.wish.priority;
  return text;
}

// SIGINT and SIGTERM as a descriptor.
int stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);  // a server that has gone is an error of a send, no reason to die
  return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

// Shows how a run goes on where somebody looks.
std::function<void(const LoadProgress&)> progress_of(const LoadTally& tally) {
  if (isatty(STDERR_FILENO) != 1) return {};
  return [&tally](const LoadProgress& progress) {
    fmt::print(stderr, "\r\033[K{}", load_progress_text(progress, tally));
    std::fflush(stderr);
  };
}

int run_bench(const BenchOptions& options) {
  if (!options.clash.empty()) throw BenchFault{EX_USAGE, options.clash + " do not go together"};
  SystemClock clock;
  const std::string run_id = fmt::format("{:x}", clock.unix_ms());
  const RequestShape shape = shape_of(options, run_id);
  const LoadSettings settings = settings_of(options);
  confirm(options, settings, shape);
  const std::optional<TrustStore> trust = trust_of(options, shape);
  const int stop_fd = stop_signals();
  const auto tally = std::make_unique<LoadTally>();
  const auto generator =
      std::make_unique<LoadGenerator>(clock, settings, shape, trust ? &*trust : nullptr, *tally);
  if (const std::string failed = generator->open(); !failed.empty())
    throw BenchFault{EX_UNAVAILABLE, failed};
  const std::string unreached = generator->reach();
  const auto progress = progress_of(*tally);
  const LoadResult result = generator->run(unreached.empty(), stop_fd, progress);
  if (stop_fd >= 0) close(stop_fd);
  if (!unreached.empty())
    throw BenchFault{EX_UNAVAILABLE, fmt::format("cannot reach {}: {}", shape.url(), unreached)};
  if (progress) fmt::print(stderr, "\r\033[K");
  const LoadReport report{.url = shape.url(),
                          .request = describe(options, shape),
                          .settings = settings,
                          .result = result,
                          .tally = tally.get()};
  const int printed = print_out(options.json ? load_json(report) : load_text(report));
  if (printed != EX_OK) return printed;
  return tally->of(LoadEnd::kAnswered) > 0 || tally->ended() == 0 ? EX_OK : EX_UNAVAILABLE;
}

// CLI11's own way to say this would stand in each option's line of the help.
std::string clash_of(const CLI::App& command) {
  constexpr std::pair<const char*, const char*> kClashes[] = {
      {"--stream", "--no-stream"}, {"--body", "--model"},  {"--body", "--prompt-bytes"},
      {"--body", "--max-tokens"},  {"--body", "--stream"}, {"--body", "--no-stream"},
  };
  for (const auto& [one, other] : kClashes) {
    if (command.count(one) > 0 && command.count(other) > 0)
      return fmt::format("{} and {}", one, other);
  }
  return "";
}

void add_request_options(CLI::App& command, BenchOptions& options) {
  command.add_option("--model", options.wish.model, "which model to ask for")->type_name("NAME");
  command
      .add_option("--prompt-bytes", options.prompt_bytes, "length of the prompt (default: 1KiB)")
      ->type_name("SIZE");
  command.add_option("--max-tokens", options.wish.max_tokens, "of an answer (default: 64)")
      ->type_name("N");
  command.add_flag("--stream", options.stream, "ask for a stream (the default)");
  command.add_flag("--no-stream", options.no_stream, "ask for an answer in one piece");
  command.add_option("--body", options.body_file, "send this JSON request instead, as it is")
      ->type_name("FILE");
  command
      .add_option("--priority", options.wish.priority, "x-priority: urgent, high, normal or low")
      ->type_name("WORD");
  command.add_option("--key-file", options.key_file, "the API key (default: SLUICE_BENCH_KEY)")
      ->type_name("FILE");
  command.add_option("--ca-file", options.ca_file, "PEM: the authorities of an https URL")
      ->type_name("FILE");
}

}  // namespace

void add_bench_command(CommandLine& line) {
  CLI::App* const command =
      line.app.add_subcommand("bench", "send load to a gateway or a provider, and measure it");
  command->footer(kFooter);
  const auto options = std::make_shared<BenchOptions>();
  command->add_option("url", options->wish.url, "where to")->required()->type_name("URL");
  command->add_option("--rate", options->rate, "requests: 50/s, 40/m (default: 50/s)")
      ->type_name("RATE");
  command->add_option("--duration", options->duration, "how long requests are sent (default: 30s)")
      ->type_name("DURATION");
  command->add_option("--arrivals", options->arrivals, "poisson (the default) or even")
      ->type_name("WORD");
  command->add_option("--seed", options->seed, "of the schedule (default: 1)")->type_name("N");
  command
      ->add_option("--connections-max", options->connections,
                   "requests in flight; beyond it they wait (default: 1024)")
      ->type_name("N");
  command->add_option("--timeout", options->timeout, "of a request, from when due (default: 60s)")
      ->type_name("DURATION");
  add_request_options(*command, *options);
  command->add_flag("--json", options->json, "print one JSON object");
  command->add_flag("--i-may-load-this-host", options->confirmed,
                    "more than 100 requests to a host that is not private");
  command->callback([&line, options, command] {
    options->clash = clash_of(*command);
    line.chosen = [options] {
      try {
        return run_bench(*options);
      } catch (const BenchFault& fault) {
        return fail(fault);
      }
    };
  });
}

}  // namespace sluice
