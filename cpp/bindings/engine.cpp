// SPDX-License-Identifier: AGPL-3.0-only
// The methods of Engine. They convert their arguments, then release the GIL.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "bindings/bindings.h"
#include "bindings/errors.h"
#include "sentiric/engine.h"

namespace sentiric::bindings {
namespace py = pybind11;

namespace {

using Unlocked = py::call_guard<py::gil_scoped_release>;

// An array that owns the vector, without a copy or an object for each value.
template <typename T>
py::array_t<T> ToArray(std::vector<T> values, std::vector<py::ssize_t> shape) {
  auto owned = std::make_unique<std::vector<T>>(std::move(values));
  const T* data = owned->data();
  py::capsule owner(owned.release(), [](void* p) { delete static_cast<std::vector<T>*>(p); });
  return py::array_t<T>(std::move(shape), data, std::move(owner));
}

// Owns the engine for Python. After a fork its threads do not exist in the child, which must
// neither use nor destroy it: Abandon() leaks it on purpose.
class EngineHandle {
 public:
  explicit EngineHandle(const EngineConfig& config) : engine_(Unwrap(Engine::Open(config))) {}

  Engine* operator->() const { return engine_.get(); }
  void Abandon() { (void)engine_.release(); }

  std::pair<bool, std::vector<Event>> WaitEvents(int timeout_ms) {
    std::vector<Event> events;
    const bool is_open = engine_->WaitEvents(&events, std::chrono::milliseconds(timeout_ms));
    return {is_open, std::move(events)};
  }

 private:
  std::unique_ptr<Engine> engine_;
};

py::array_t<float> Logits(EngineHandle& self, const std::vector<Token>& tokens) {
  std::vector<float> values;
  {
    const py::gil_scoped_release unlocked;
    values = Unwrap(self->Logits(tokens));
  }
  const auto rows = static_cast<py::ssize_t>(tokens.size());
  const py::ssize_t columns = static_cast<py::ssize_t>(values.size()) / rows;
  return ToArray(std::move(values), {rows, columns});
}

py::array_t<float> Embed(EngineHandle& self, const std::vector<Token>& tokens) {
  std::vector<float> values;
  {
    const py::gil_scoped_release unlocked;
    values = Unwrap(self->Embed(tokens));
  }
  const auto size = static_cast<py::ssize_t>(values.size());
  return ToArray(std::move(values), {size});
}

py::array_t<Token> Tokenize(EngineHandle& self, const std::string& text, bool add_special,
                            bool parse_special) {
  std::vector<Token> tokens;
  {
    const py::gil_scoped_release unlocked;
    tokens = Unwrap(self->Tokenize(text, add_special, parse_special));
  }
  const auto size = static_cast<py::ssize_t>(tokens.size());
  return ToArray(std::move(tokens), {size});
}

std::tuple<std::string, std::vector<std::int64_t>, py::array_t<Token>, std::int32_t> DescribeChat(
    EngineHandle& self, const Request& request) {
  ChatRendering found;
  {
    const py::gil_scoped_release unlocked;
    found = Unwrap(self->DescribeChat(request));
  }
  const auto size = static_cast<py::ssize_t>(found.tokens.size());
  return {std::move(found.text), std::move(found.message_begins),
          ToArray(std::move(found.tokens), {size}), found.cached_tokens};
}

std::vector<py::bytes> TokenPieces(EngineHandle& self, const std::vector<Token>& tokens) {
  std::vector<std::string> pieces;
  {
    const py::gil_scoped_release unlocked;
    pieces = Unwrap(self->TokenPieces(tokens));
  }
  return {pieces.begin(), pieces.end()};
}

}  // namespace

void BindEngine(py::module_* module) {
  py::class_<EngineHandle>(*module, "Engine")
      .def(py::init<const EngineConfig&>(), py::arg("config"), Unlocked())
      .def(
          "submit",
          [](EngineHandle& self, Request& request, std::int32_t window) {
            return Unwrap(self->Submit(std::move(request), window));
          },
          py::arg("request"), py::arg("window") = 0, Unlocked(),
          "Consumes the request, so that its text is not copied.")
      .def(
          "grant",
          [](EngineHandle& self, RequestId id, std::int32_t tokens) { self->Grant(id, tokens); },
          py::arg("request"), py::arg("tokens"), Unlocked())
      .def(
          "check_room",
          [](EngineHandle& self) {
            if (Status status = self->CheckRoom()) throw ErrorException(*status);
          },
          Unlocked())
      .def(
          "cancel", [](EngineHandle& self, RequestId id) { self->Cancel(id); }, py::arg("request"),
          Unlocked())
      .def("wait_events", &EngineHandle::WaitEvents, py::arg("timeout_ms"), Unlocked(),
           "(still open, events of the steps since the last call)")
      .def("tokenize", &Tokenize, py::arg("text"), py::arg("add_special"), py::arg("parse_special"))
      .def("token_pieces", &TokenPieces, py::arg("tokens"),
           "The bytes of each token as inside a text; control tokens are shown.")
      .def(
          "detokenize",
          [](EngineHandle& self, const std::vector<Token>& tokens, bool show) {
            std::string text;
            {
              const py::gil_scoped_release unlocked;
              text = Unwrap(self->Detokenize(tokens, show));
            }
            return py::bytes(text);
          },
          py::arg("tokens"), py::arg("show_special"))
      .def(
          "render_chat",
          [](EngineHandle& self, const Request& request, bool add_prompt) {
            return Unwrap(self->RenderChat(request.prompt, add_prompt));
          },
          py::arg("request"), py::arg("add_generation_prompt"), Unlocked(),
          "Looks only at the conversation of the request.")
      .def(
          "tokenize_chat",
          [](EngineHandle& self, const Request& request, bool add_prompt) {
            return Unwrap(self->TokenizeChat(request.prompt, add_prompt));
          },
          py::arg("request"), py::arg("add_generation_prompt"), Unlocked(),
          "Looks only at the conversation of the request.")
      .def("describe_chat", &DescribeChat, py::arg("request"),
           "(text, where its messages begin in bytes or -1, tokens, how many of them are cached)")
      .def("logits", &Logits, py::arg("tokens"))
      .def("embed", &Embed, py::arg("tokens"))
      .def_property_readonly("info", [](EngineHandle& self) { return self->info(); })
      .def_property_readonly("capacity", [](EngineHandle& self) { return self->capacity(); })
      .def("stats", [](EngineHandle& self) { return self->stats(); })
      .def(
          "line",
          [](EngineHandle& self) {
            std::vector<RequestId> ids;
            for (const Queued& queued : self->Line()) ids.push_back(queued.request);
            return ids;
          },
          "Ids of the requests that wait for a context, the next one first.")
      .def(
          "close", [](EngineHandle& self) { self->Close(); }, Unlocked())
      .def("abandon", &EngineHandle::Abandon, "Leaks the engine: for a forked child only.");
}

}  // namespace sentiric::bindings
