// OpenTelemetry's SDK for JavaScript: a batch span processor before an exporter that discards. Everything runs on one
// thread, so "call" includes the garbage collector's threads. Usage: W1|W3|W4 1.
import { readFileSync } from 'node:fs';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import {
  AlwaysOffSampler, AlwaysOnSampler, BasicTracerProvider, BatchSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

const BURST = 8192; // spans between two flushes
const TEXT = 'the quick brown fox jumps over the lazy dog. '.repeat(23).slice(0, 1024);
const workload = process.argv[2] ?? 'W1';
const rounds = Number(process.env.ROUNDS ?? 10);
let received = 0;

const discard = {
  export(spans, done) {
    received += spans.length;
    done({ code: 0 });
  },
  async shutdown() {},
  async forceFlush() {},
};
const options = { maxQueueSize: 65536, maxExportBatchSize: 512, scheduledDelayMillis: 1 };
const provider = new BasicTracerProvider({
  sampler: workload === 'W4' ? new AlwaysOffSampler() : new AlwaysOnSampler(),
  spanProcessors: [new BatchSpanProcessor(discard, options)],
});
const tracer = provider.getTracer('bench');
const parent = trace.setSpan(ROOT_CONTEXT, tracer.startSpan('root', {}, ROOT_CONTEXT));

function full() {
  const span = tracer.startSpan('llm.chat', {}, parent);
  span.setAttribute('gen_ai.request.model', 'claude-sonnet-4x');
  span.setAttribute('gen_ai.usage.input_tokens', 1234);
  span.setAttribute('gen_ai.usage.output_tokens', 256);
  span.setAttribute('gen_ai.response.finish_reason', 'stop');
  span.setAttribute('gen_ai.request.temperature', 0.7);
  span.setAttribute('gen_ai.output.text', TEXT);
  span.end();
}

const bare = () => tracer.startSpan('llm.chat', {}, parent).end();
const one = workload === 'W3' ? bare : full;
const cpuNow = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1e3;
};
const now = () => Number(process.hrtime.bigint());

let start, callWall, callCpu;
for (let round = -1; round < rounds; round++) { // round -1 warms up
  if (round === 0) {
    start = { cpu: cpuNow(), wall: now(), received };
    callWall = callCpu = 0;
  }
  const wall = now();
  const cpu = cpuNow();
  for (let i = 0; i < BURST; i++) one();
  callWall += now() - wall;
  callCpu += cpuNow() - cpu;
  await provider.forceFlush();
}
const spans = rounds * BURST;
const { version } = JSON.parse(readFileSync(new URL('node_modules/@opentelemetry/sdk-trace-base/package.json', import.meta.url)));
const status = readFileSync('/proc/self/status', 'utf8');
console.log(JSON.stringify({
  peer: `otel-js ${version}`, workload, threads: 1, spans,
  call_wall_ns: callWall / spans, call_ns: callCpu / spans, cpu_ns: (cpuNow() - start.cpu) / spans,
  spans_per_s: Math.round(spans / ((now() - start.wall) / 1e9)),
  rss_mb: Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024,
  dropped: Math.abs((workload === 'W4' ? 0 : spans) - (received - start.received)),
  note: 'texts by reference',
}));
process.exit(0);
