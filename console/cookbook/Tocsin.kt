package com.example.app

import android.content.Context
import android.content.Intent
import android.os.Build
import androidx.core.app.NotificationManagerCompat
import java.io.IOException
import java.net.HttpURLConnection
import java.net.URL
import java.time.Instant
import java.util.Locale
import java.util.TimeZone
import java.util.UUID
import java.util.concurrent.Executors
import org.json.JSONArray
import org.json.JSONObject

/** Speaks to Tocsin's REST API. Every call runs in the background, one after another. */
class Tocsin(private val context: Context) {
    private val kept = context.getSharedPreferences("tocsin", Context.MODE_PRIVATE)

    // The device

    /** Call it from `onNewToken` and at every start of the app. */
    fun register(token: String, userId: String? = null) = later {
        val allowed = NotificationManagerCompat.from(context).areNotificationsEnabled()
        val body = JSONObject()
            .put("platform", "android")
            .put("token", token)
            .put("permission", if (allowed) "granted" else "denied")
            .put("locale", Locale.getDefault().toLanguageTag())
            .put("timezone", TimeZone.getDefault().id)
            .put("app_version", context.packageManager.getPackageInfo(context.packageName, 0).versionName)
            .put("os_version", Build.VERSION.RELEASE)
            .put("model", Build.MODEL)
        userId?.let { body.put("user_id", it) }
        val answer = call("POST", "devices", body)
        val edit = kept.edit().putString("id", answer.getString("id"))
        if (answer.has("secret")) edit.putString("device", "${answer.getString("id")}.${answer.getString("secret")}")
        edit.commit()
    }

    /** Who has signed in; null after signing out. */
    fun identify(userId: String?) = later {
        val id = kept.getString("id", null) ?: return@later
        call("PATCH", "devices/$id", JSONObject().put("user_id", userId ?: JSONObject.NULL))
    }

    /** Something that the person did. */
    fun event(name: String, properties: Map<String, Any> = emptyMap()) = later {
        val event = JSONObject().put("id", UUID.randomUUID().toString()).put("name", name).put("properties", JSONObject(properties))
        call("POST", "events", JSONObject().put("events", JSONArray().put(event)))
    }

    // Receipts

    /** What became of a push: delivered, displayed, opened, dismissed or action. `push` is its data. */
    fun report(push: Map<String, String>, type: String, action: String? = null) = later {
        val m = push["m"] ?: return@later
        val t = push["t"] ?: return@later
        val receipt = JSONObject().put("m", m).put("t", t).put("type", type).put("at", Instant.now().toString())
        action?.let { receipt.put("action", it) }
        call("POST", "receipts", JSONObject().put("receipts", JSONArray().put(receipt)))
    }

    /** In `onCreate` and `onNewIntent` of the activity that a push opens: reports the tap, gives the link to go to. */
    fun opened(intent: Intent): String? {
        val push = listOf("m", "t", "link", "action").mapNotNull { name -> intent.getStringExtra(name)?.let { name to it } }.toMap()
        if ("m" !in push) return null
        intent.removeExtra("m") // a rotated screen is no second tap
        report(push, "opened")
        push["action"]?.let { report(push, "action", it) }
        return push["link"]
    }

    // HTTP

    class Refused(val status: Int, problem: String) : IOException("$status $problem")

    private fun later(act: () -> Unit) {
        queue.execute { try { act() } catch (error: IOException) { android.util.Log.w("Tocsin", error) } }
    }

    private fun call(method: String, path: String, body: JSONObject): JSONObject {
        val connection = URL("$API/api/v1/$path").openConnection() as HttpURLConnection
        try {
            connection.connectTimeout = 20_000
            connection.readTimeout = 20_000
            connection.requestMethod = method
            connection.doOutput = true
            connection.setRequestProperty("Authorization", "Bearer $KEY")
            connection.setRequestProperty("Content-Type", "application/json")
            kept.getString("device", null)?.let { connection.setRequestProperty("Tocsin-Device", it) }
            connection.outputStream.use { it.write(body.toString().toByteArray()) }
            val good = connection.responseCode in 200..299
            val text = (if (good) connection.inputStream else connection.errorStream)?.bufferedReader()?.readText().orEmpty()
            if (!good) throw Refused(connection.responseCode, text)
            return if (text.isEmpty()) JSONObject() else JSONObject(text)
        } finally {
            connection.disconnect()
        }
    }

    private companion object {
        const val API = "{{API}}"
        const val KEY = "{{KEY}}"
        val queue = Executors.newSingleThreadExecutor()
    }
}
