// The OpenTelemetry JavaScript SDK as a sender: node otlp.js URL json|proto.
// Exports one log, two spans and two metrics, gzipped, and exits 0 when every
// export was answered with success.
const [url, encoding] = process.argv.slice(2);
const kind = encoding === 'proto' ? 'proto' : 'http';

const { SeverityNumber } = require('@opentelemetry/api-logs');
const { SpanKind, SpanStatusCode, diag, DiagLogLevel } = require('@opentelemetry/api');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { LoggerProvider, SimpleLogRecordProcessor } = require('@opentelemetry/sdk-logs');
const { BasicTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');
const { MeterProvider, PeriodicExportingMetricReader, AggregationTemporality } =
  require('@opentelemetry/sdk-metrics');
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${kind}`);

let failed = false;
const complain = (message, ...rest) => { failed = true; console.error(message, ...rest); };
diag.setLogger({ error: complain, warn: complain, info() {}, debug() {}, verbose() {} },
  DiagLogLevel.WARN);

const to = (signal) => ({ url: `${url}/v1/${signal}`, compression: 'gzip' });
const claude =
  resourceFromAttributes({ 'service.name': 'claude-code', 'service.version': '2.1.202',
    'team.id': 'platform' });
const bot = resourceFromAttributes({ 'service.name': 'billing-bot' });

async function logs() {
  const provider = new LoggerProvider({
    resource: claude,
    processors: [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter(to('logs')) })],
  });
  provider.getLogger('com.anthropic.claude_code.events', '2.1.202').emit({
    severityNumber: SeverityNumber.INFO,
    body: 'claude_code.api_request',
    timestamp: new Date('2026-11-23T09:26:44.200Z'),
    attributes: {
      'event.name': 'api_request', 'session.id': `session-${encoding}`,
      model: 'claude-sonnet-4-5-20250929', cost_usd: 0.0363561, duration_ms: 3980, input_tokens: 12,
      output_tokens: 842, cache_read_tokens: 51342,
      cache_creation_tokens: 2210, request_id: `log-${encoding}`, tags: ['a', 'b'],
    },
  });
  await provider.forceFlush();
  await provider.shutdown();
}

async function traces() {
  const provider = new BasicTracerProvider({
    resource: bot, spanProcessors: [new SimpleSpanProcessor(new OTLPTraceExporter(to('traces')))],
  });
  const tracer = provider.getTracer('bot');
  const start = new Date('2026-11-23T09:26:40.000Z');
  const answered =
      tracer.startSpan('chat gpt-4o', { kind: SpanKind.CLIENT, startTime: start, attributes: {
    'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.id': `span-${encoding}`, 'gen_ai.usage.input_tokens': 1000,
    'gen_ai.usage.output_tokens': 100, 'gen_ai.usage.cache_read.input_tokens': 600,
  } });
  answered.end(new Date('2026-11-23T09:26:41.500Z'));
  const refused =
      tracer.startSpan('chat gpt-4o', { kind: SpanKind.CLIENT, startTime: start, attributes: {
    'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o',
    'gen_ai.response.id': `error-${encoding}`,
    'error.type': '429',
  } });
  refused.setStatus({ code: SpanStatusCode.ERROR, message: 'slow down' });
  refused.end(new Date('2026-11-23T09:26:40.100Z'));
  await provider.forceFlush();
  await provider.shutdown();
}

async function metrics(temporalityPreference, name) {
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ ...to('metrics'), temporalityPreference }),
    exportIntervalMillis: 3600000,
  });
  const provider = new MeterProvider({ resource: bot, readers: [reader] });
  const counter = provider.getMeter('bot').createCounter(name);
  counter.add(3);
  await reader.forceFlush();
  counter.add(4);
  await reader.forceFlush();
  await provider.shutdown();
}

(async () => {
  await logs();
  await traces();
  await metrics(AggregationTemporality.DELTA, `delta_${encoding}`);
  await metrics(AggregationTemporality.CUMULATIVE, `cumulative_${encoding}`);
  process.exit(failed ? 1 : 0);
})();
