// Starts AWS's runtime client, whose two generations are started differently; it is named by the one argument.
import { pathToFileURL } from "node:url";

const client = await import(pathToFileURL(process.argv.splice(2, 1)[0]));
if (client.run) {
  await client.run(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
}
