#include "cli/generation.h"

#include <fmt/format.h>

#include <chrono>
#include <iostream>

#include "cli/interrupt.h"

namespace shenbi::cli {

Answer stream_answer(engine::Engine& engine, engine::Request request) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  Answer answer;
  answer.prompt_tokens = request.prompt.size();
  const auto start = Clock::now();
  Clock::time_point first = start, last = start;
  request.on_token = [&](const engine::TokenEvent& event) {
    last = Clock::now();
    if (answer.ids.empty()) first = last;
    if (event.id >= 0) answer.ids.push_back(event.id);
    answer.text += event.text;
    answer.finish = event.finish;
    if (!event.text.empty()) std::cout << event.text << std::flush;
  };
  Interrupt interrupt;
  const engine::EngineStats before = engine.stats();
  const uint64_t number = engine.submit(std::move(request));
  while (engine.step()) {
    if (interrupt.raised() || !std::cout) engine.cancel(number);
  }
  answer.first_token_s = seconds(first - start);
  const engine::EngineStats after = engine.stats();
  answer.drafted = after.drafted_tokens - before.drafted_tokens;
  answer.accepted = after.accepted_tokens - before.accepted_tokens;
  if (answer.ids.size() > 1) answer.decode_tps = static_cast<double>(answer.ids.size() - 1) / seconds(last - first);
  return answer;
}

std::string describe(const Answer& answer) {
  const std::string guessed =
      answer.drafted > 0 ? fmt::format(", {} of {} guesses right", answer.accepted, answer.drafted) : "";
  return fmt::format("{} prompt tokens, first token after {:.2f} s; {} tokens at {:.1f} tokens/s{} ({})",
                     answer.prompt_tokens, answer.first_token_s, answer.ids.size(), answer.decode_tps, guessed,
                     engine::finish_reason_name(answer.finish));
}

}  // namespace shenbi::cli
