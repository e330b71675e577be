// Writes one record to each stream and reads back what is there, as an application in JavaScript does.
// Input: JSON on standard input, { bootstrap, registry, streams: { name: { key, value } } }.
// Output: JSON by stream, the record that came back.
const fs = require("fs");
const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = require("kafkajs");
const { SchemaRegistry } = require("@kafkajs/confluent-schema-registry");

CompressionCodecs[CompressionTypes.Snappy] = require("kafkajs-snappy");

async function main() {
  const { bootstrap, registry: host, streams } = JSON.parse(fs.readFileSync(0));
  const registry = new SchemaRegistry({ host });
  const kafka = new Kafka({ clientId: "round-trip", brokers: [bootstrap], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  const wanted = {};
  for (const [topic, record] of Object.entries(streams)) {
    const [keyId, valueId] = await Promise.all(
      ["key", "value"].map((part) => registry.getLatestSchemaId(`${topic}-${part}`)),
    );
    const message = {
      key: await registry.encode(keyId, record.key),
      value: await registry.encode(valueId, record.value),
    };
    const [{ baseOffset }] = await producer.send({ topic, acks: -1, messages: [message] });
    wanted[topic] = BigInt(baseOffset);
  }
  await producer.disconnect();

  const found = {};
  const consumer = kafka.consumer({ groupId: `round-trip-${process.pid}-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topics: Object.keys(streams), fromBeginning: true });
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    consumer.run({
      eachMessage: async ({ topic, message }) => {
        // Others may have left what no schema reads.
        if (BigInt(message.offset) !== wanted[topic]) return;
        const [key, value] = await Promise.all([message.key, message.value].map((one) => registry.decode(one)));
        found[topic] = { key, value };
        if (Object.keys(found).length === Object.keys(streams).length) resolve();
      },
    });
  });
  await consumer.disconnect();
  process.stdout.write(JSON.stringify(found));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
