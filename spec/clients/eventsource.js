// A browser's EventSource as a client: node eventsource.js URL COUNT.  Prints the
// request_id of each completed request, a line each, reconnects by itself when the
// connection is lost, and exits after COUNT of them.
const { EventSource } = require('eventsource');
const [url, count] = process.argv.slice(2);

let seen = 0;
const source = new EventSource(url);
source.onopen = () => console.log('open');
source.onmessage = (message) => {
  const event = JSON.parse(message.data);
  if (event.type === 'request_complete') {
    console.log(event.data.request_id);
    seen += 1;
  }
  if (seen === Number(count)) process.exit(0);
};
